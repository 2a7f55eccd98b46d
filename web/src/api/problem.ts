import type { Translator } from "../i18n/language";

/** What went wrong, as the server says it (RFC 9457) or as the browser noticed it. */
export interface ProblemBody {
  code: string;
  status: number;
  title?: string;
  detail?: string;
  remedy?: string;
  instance?: string;
  params?: Record<string, unknown>;
  errors?: { pointer: string; code: string; message: string; params: Record<string, unknown> }[];
}

export class ApiProblem extends Error {
  constructor(readonly problem: ProblemBody) {
    super(`${problem.code}: ${problem.detail ?? problem.title ?? ""}`);
    this.name = "ApiProblem";
  }

  get code(): string {
    return this.problem.code;
  }

  /** The request never reached the server; trying later is right, and nothing is known about its effect. */
  get isOffline(): boolean {
    return this.problem.code === "offline";
  }
}

export const OFFLINE: ProblemBody = { code: "offline", status: 0 };

/** Read an answer that is not a success. */
export function problemFrom(status: number, body: unknown): ProblemBody {
  if (typeof body === "object" && body !== null && "code" in body && typeof body.code === "string") {
    return { status, ...(body as Omit<ProblemBody, "status">) };
  }
  return { code: status >= 500 ? "unavailable" : "unexpected_answer", status };
}

export function asProblem(error: unknown): ProblemBody {
  if (error instanceof ApiProblem) return error.problem;
  if (error instanceof TypeError) return OFFLINE;
  return { code: "page_broke", status: 0, detail: String(error) };
}

/**
 * A sentence for the reader, from the code. A code the catalogues do not know shows a general sentence for its
 * status and the code itself, which the documentation explains; the server's English detail is not shown alone.
 */
export function explain(problem: ProblemBody, translate: Translator): string {
  const values: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(problem.params ?? {})) {
    if (typeof value === "string" || typeof value === "number") values[name] = value;
  }
  const known = translate.find(`problem.${problem.code}`, values);
  if (known !== undefined) return known;
  const family = translate.find(`problem.status.${problem.status}`) ?? translate.t("problem.status.other");
  return `${family} (${problem.code})`;
}
