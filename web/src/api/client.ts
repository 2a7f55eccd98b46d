import createClient from "openapi-fetch";

import { ApiProblem, OFFLINE, problemFrom } from "./problem";
import type { paths } from "./schema";
import { sessionFetch } from "./session";

/** The native API, typed from its own description; always of the page's own origin (WEB-02). */
export const api = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "http://localhost" : location.origin,
  fetch: sessionFetch,
});

let loggedOut: () => void = () => undefined;

/** Have a function called when a request is refused for want of a login. */
export function onLoggedOut(listener: () => void): void {
  loggedOut = listener;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Wait for an answer: its data, or an ApiProblem that says what went wrong. */
export async function answered<T>(asked: Promise<Answer<T>>): Promise<T> {
  return (await answeredWithHeaders(asked)).data;
}

export async function answeredWithHeaders<T>(asked: Promise<Answer<T>>): Promise<{ data: T; headers: Headers; status: number }> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof TypeError) throw new ApiProblem(OFFLINE);
    throw error;
  }
  const { response } = answer;
  if (response.ok || response.status === 304) {
    return { data: answer.data as T, headers: response.headers, status: response.status };
  }
  const problem = problemFrom(response.status, answer.error);
  if (response.status === 401 && problem.code !== "bad_credentials") loggedOut();
  throw new ApiProblem(problem);
}

/** A key that makes a repeated request harmless (API-03). */
export function newRequestKey(): string {
  return newId();
}

/** UUID version 7 (RFC 9562): begins with the time, so that ids sort by it. */
export function newId(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 0; at < 6; at++) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) & 0xff;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
