/** Drafts of plans as the server tells them, and the few requests that edit them. */

import type { Feature, FeatureCollection, Geometry } from "geojson";

import { newRequestKey } from "../../api/client";
import { ApiProblem, OFFLINE, problemFrom } from "../../api/problem";
import { sessionFetch } from "../../api/session";

export interface Figures {
  cost_fen: number;
  distance_m: number;
  duration_s: number;
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
  courier_id: string | null;
  number: number;
  start_s: number | null;
  end_s: number | null;
  distance_m: number;
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
  label: number;
  key: string;
  name: string;
  lon: number;
  lat: number;
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

/** A vehicle's drive as it is drawn: its line on roads and its stops in order. */
export interface Shape {
  line: Geometry | null;
  stops: readonly DraftStop[];
}

export interface WaitingStop {
  key: string;
  name: string;
  lon: number;
  lat: number;
  parcels: string[];
  reason: { code: string; sentence_en: string; sentence_zh: string };
}

export interface DraftHead {
  id: string;
  plan_id: string;
  base_version_id: string;
  name: string;
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
  before: Figures;
  added_fen: number;
  touched: string[];
  routes: DraftRoute[];
  new_flaws: Flaw[];
}

export interface Place {
  vehicle_id: string;
  number: number;
  position: number;
  added_fen: number;
  start_s: number;
  affected: [string, number][];
}

export interface Explanation {
  stop_key: string;
  planned: boolean;
  certainty: string;
  saving_fen: number | null;
  sentence_en: string;
  sentence_zh: string;
  time: {
    rule: "window" | "lock" | "order";
    leaves_s: number;
    stops_before: number;
    drive_s: number;
    arrival_s: number;
    start_s: number;
  } | null;
  reasons: { code: string; certainty: string }[];
  fixes: { constraint: string; change: number; unit: string; vehicle: string | null; cost_fen: number; certainty: string }[];
  alternatives: { vehicle: string; number: number; position: number; more_fen: number }[];
  displaces: { stop_key: string; name: string }[];
}

export interface Change {
  kind: "stop_added" | "stop_removed" | "parcels_added" | "parcels_removed" | "order_moved" | "eta_moved";
  stop_key: string;
  label: number;
  name: string;
  parcel_ids: string[];
  shift_s: number;
}

export interface RouteDifference {
  vehicle_id: string;
  number: number;
  courier_before: string | null;
  courier_after: string | null;
  cost_before_fen: number;
  cost_after_fen: number;
  changes: Change[];
}

export interface Difference {
  added_fen: number;
  distance_before_m: number;
  distance_after_m: number;
  disturbance: Record<string, number>;
  parcels: { parcel_id: string; stop_key: string; from_vehicle: string | null; to_vehicle: string | null }[];
  routes: RouteDifference[];
}

export interface Proposal {
  proposal_id: string;
  gap_percent: number;
  chosen: { cost_fen: number; within_budget: boolean; disturbance: Record<string, number> };
  unrestricted: { cost_fen: number };
  difference: Difference;
  parts: { vehicles: string[]; orders: Record<string, string[]>; routes: RouteDifference[] }[];
}

/** What a draft is compared with on the map and in the table: the version it began with, or another draft. */
export interface Comparison {
  against: string;
  name: string;
  difference: Difference;
  before: readonly Feature[];
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

/** Vehicles' drives out of a draft's map, by vehicle id. */
export function shapesOf(map: FeatureCollection): Map<string, Shape> {
  const found = new Map<string, { line: Geometry | null; stops: DraftStop[] }>();
  for (const { geometry, properties } of map.features) {
    const id = properties?.["vehicle_id"] as string | undefined;
    if (id === undefined) continue;
    const shape = found.get(id) ?? { line: null, stops: [] };
    found.set(id, shape);
    if (properties?.["feature"] === "route") shape.line = geometry;
    if (properties?.["feature"] === "stop") shape.stops.push(properties as unknown as DraftStop);
  }
  return found;
}

/** Stops whose time moves by a minute or more, the farthest first. */
export function shifts(before: readonly DraftStop[], after: readonly DraftStop[]): { name: string; shiftS: number }[] {
  const old = new Map(before.map((stop) => [stop.key, stop.start_s]));
  return after
    .flatMap((stop) => {
      const shiftS = stop.start_s - (old.get(stop.key) ?? stop.start_s);
      return Math.abs(shiftS) < 60 ? [] : [{ name: stop.name, shiftS }];
    })
    .sort((one, other) => Math.abs(other.shiftS) - Math.abs(one.shiftS));
}
