/** What a keeper's desk asks of the server; every act carries a key that makes a repetition harmless. */

import { answered, api, newRequestKey } from "../api/client";
import type { components } from "../api/schema";

type Schemas = components["schemas"];

export type Candidate = Schemas["CandidateView"];
export type DepositResult = Schemas["DepositResult"];
export type Taken = Schemas["TakenView"];
export type Count = Schemas["CountView"];
export type Station = Schemas["StationView"];
export type VisitList = Schemas["VisitList"];
export type Overdue = Schemas["OverdueView"];
export type Code = Schemas["CodeView"];

export interface Desk {
  siteId: string;
  zone: string;
}

const key = () => ({ "Idempotency-Key": newRequestKey() });

export const lookAt = (site_id: string, signal: AbortSignal): Promise<Station> =>
  answered(api.GET("/api/v1/stations/{site_id}", { params: { path: { site_id } }, signal }));

export async function find(site_id: string, q: string, signal?: AbortSignal): Promise<Candidate[]> {
  const wanted = { params: { path: { site_id }, query: { q } }, ...(signal ? { signal } : {}) };
  return (await answered(api.GET("/api/v1/stations/{site_id}/parcels", wanted))).items;
}

export async function scanIn(site_id: string, keys: readonly string[], damaged: ReadonlySet<string>): Promise<DepositResult[]> {
  const items = keys.map((one) => ({ key: one, damaged: damaged.has(one) }));
  const asked = api.POST("/api/v1/stations/{site_id}:deposit", { params: { path: { site_id }, header: key() }, body: { items } });
  return (await answered(asked)).items;
}

export const consent = (site_id: string, parcel_id: string, reference: string) =>
  answered(
    api.POST("/api/v1/stations/{site_id}:consent", {
      params: { path: { site_id }, header: key() },
      body: { parcel_id, reference, means: "phone", scope: "parcel" },
    }),
  );

export const takeOut = (site_id: string, body: { digits?: string; parcel_id?: string; identity_reference?: string }): Promise<Taken> =>
  answered(api.POST("/api/v1/stations/{site_id}:take-out", { params: { path: { site_id }, header: key() }, body }));

export const proxyCode = (site_id: string, parcel_id: string): Promise<Code> =>
  answered(api.POST("/api/v1/stations/{site_id}/codes:proxy", { params: { path: { site_id }, header: key() }, body: { parcel_id } }));

export const startReturn = (site_id: string, parcel_id: string): Promise<Code> =>
  answered(
    api.POST("/api/v1/stations/{site_id}:return", { params: { path: { site_id }, header: key() }, body: { parcel_id, cause: "NOT_TAKEN" } }),
  );

export async function overdue(site_id: string, signal: AbortSignal): Promise<Overdue[]> {
  return (await answered(api.GET("/api/v1/stations/{site_id}/overdue", { params: { path: { site_id } }, signal }))).items;
}

export const visits = (site_id: string, signal: AbortSignal): Promise<VisitList> =>
  answered(api.GET("/api/v1/stations/{site_id}/visits", { params: { path: { site_id } }, signal }));

export const beginCount = (site_id: string): Promise<Count> =>
  answered(api.POST("/api/v1/stations/{site_id}/counts", { params: { path: { site_id }, header: key() } }));

export const scanCount = (site_id: string, count_id: string, parcel: string, cell: string): Promise<Count> =>
  answered(
    api.POST("/api/v1/stations/{site_id}/counts/{count_id}:scan", {
      params: { path: { site_id, count_id }, header: key() },
      body: { seen: { [parcel]: cell } },
    }),
  );

export const closeCount = (site_id: string, count_id: string): Promise<Count> =>
  answered(api.POST("/api/v1/stations/{site_id}/counts/{count_id}:close", { params: { path: { site_id, count_id }, header: key() } }));

/** Why a parcel was refused, as the server's codes. */
export function refusalReasons(result: DepositResult): string[] {
  const params = result.problem?.["params"];
  const reasons = typeof params === "object" && params !== null && "reasons" in params ? params.reasons : null;
  if (Array.isArray(reasons)) return reasons.map(String);
  const code = result.problem?.["code"];
  return [typeof code === "string" ? code : "unavailable"];
}
