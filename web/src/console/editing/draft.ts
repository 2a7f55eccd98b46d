/** Drafts of plans as the server tells them, and the few requests that edit them. */

import { newRequestKey } from "../../api/client";
import { ApiProblem, OFFLINE, problemFrom } from "../../api/problem";
import { sessionFetch } from "../../api/session";

export interface Figures {
  cost_fen: number;
  routes: number;
  stops: number;
  unassigned: number;
  late_stops: number;
  violations: number;
}

export interface Flaw {
  code: string;
  vehicle_id: string | null;
  stop_key: string | null;
  amount: number;
}

export type LockLevel = "free" | "vehicle" | "sequence" | "fixed";
export const LOCK_LEVELS: readonly LockLevel[] = ["free", "vehicle", "sequence", "fixed"];

export interface Vehicle {
  vehicle_id: string;
  number: number;
  stops: number;
  parcels: number;
  cost_fen: number;
  late_s: number;
  violations: number;
  in_service: boolean;
  has_left: boolean;
  locked: boolean;
}

export interface DraftStop {
  position: number;
  key: string;
  name: string;
  start_s: number;
  late_s: number;
  deliveries: number;
  collections: number;
  done: boolean;
  lock: LockLevel;
}

export interface DraftRoute extends Vehicle {
  route: DraftStop[];
  flaws: Flaw[];
  done: number;
}

export interface WaitingStop {
  key: string;
  name: string;
  parcels: string[];
  reason: { code: string };
}

export interface DraftHead {
  id: string;
  state: string;
  steps: number;
  can_undo: number;
  can_redo: number;
  figures: Figures;
}

export interface Draft extends DraftHead {
  vehicles: Vehicle[];
  waiting: WaitingStop[];
}

export interface EditAnswer {
  draft: DraftHead;
  added_fen: number;
  routes: DraftRoute[];
  new_flaws: Flaw[];
}

export interface Place {
  vehicle_id: string;
  number: number;
  position: number;
  added_fen: number;
  affected: [string, number][];
}

export interface Explanation {
  planned: boolean;
  sentence_en: string;
  sentence_zh: string;
  reasons: { code: string; certainty: string }[];
  fixes: { constraint: string; change: number; unit: string; cost_fen: number }[];
  alternatives: { number: number; position: number; more_fen: number }[];
  displaces: { name: string }[];
}

export interface Difference {
  added_fen: number;
  disturbance: Record<string, number>;
  routes: { vehicle_id: string; number: number; changes: { kind: string; name: string }[] }[];
}

export interface Operation {
  id: string;
  state: string;
  result: Proposal | null;
}

export interface Proposal {
  proposal_id: string;
  gap_percent: number;
  chosen: { cost_fen: number; within_budget: boolean; disturbance: Record<string, number> };
  unrestricted: { cost_fen: number };
  parts: { vehicles: string[] }[];
}

export type Command = Record<string, unknown> & { kind: string };

export interface Tagged<T> {
  data: T;
  etag: string;
}

/** Ask the API; what goes wrong is an ApiProblem as everywhere. */
export async function ask<T>(path: string, init: { body?: unknown; etag?: string; signal?: AbortSignal } = {}): Promise<Tagged<T>> {
  const headers: Record<string, string> = {};
  if (init.body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers["Idempotency-Key"] = newRequestKey();
  }
  if (init.etag !== undefined) headers["If-Match"] = init.etag;
  const request = new Request(new URL(`/api/v1${path}`, location.origin), {
    method: init.body === undefined ? "GET" : "POST",
    headers,
    cache: "no-store",
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  });
  let response: Response;
  try {
    response = await sessionFetch(request);
  } catch (error) {
    if (error instanceof TypeError) throw new ApiProblem(OFFLINE);
    throw error;
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ApiProblem(problemFrom(response.status, body));
  return { data: body as T, etag: response.headers.get("ETag") ?? "" };
}
