/** The console's dealings with plans: fetch a day, a route, reasons; make a version; put one in force. */

import { api, answered, answeredWithHeaders, newRequestKey } from "../api/client";
import type { Fleet, PlanVersion, Reason, RouteDescription, RouteFigures } from "../api/types";
import type { Load, PlannedRoute, PlannedStop, UnassignedGroup, UnassignedParcel, VersionFacts } from "./day";

const PAGE_SIZE = 500;

/** The newest version of a day's plan in figures, null while there is none. */
export interface VersionFigures {
  facts: VersionFacts;
  summary: PlanVersion;
  routes: readonly RouteFigures[];
}

export async function loadVersion(region: string, day: string, signal: AbortSignal): Promise<VersionFigures | null> {
  const plans = await answered(api.GET("/api/v1/plans", { params: { query: { region, day } }, signal }));
  const found = plans.items[0];
  if (!found) return null;
  const plan = await answeredWithHeaders(
    api.GET("/api/v1/plans/{plan_id}", { params: { path: { plan_id: found.id } }, signal, cache: "no-store" }),
  );
  const newest = plan.data.versions.reduce<(typeof plan.data.versions)[number] | null>(
    (latest, version) => (latest === null || version.number > latest.number ? version : latest),
    null,
  );
  if (!newest) return null;
  const path = { version_id: newest.id };
  const [summary, routes] = await Promise.all([
    answered(api.GET("/api/v1/versions/{version_id}", { params: { path }, signal })),
    answered(api.GET("/api/v1/versions/{version_id}/routes", { params: { path }, signal })),
  ]);
  const facts: VersionFacts = {
    planId: plan.data.id,
    versionId: newest.id,
    number: newest.number,
    published: plan.data.in_force === newest.id,
    etag: plan.headers.get("ETag") ?? "",
    source: newest.source as VersionFacts["source"],
  };
  return { facts, summary, routes: routes.items };
}

export function loadRoute(versionId: string, number: number, signal: AbortSignal): Promise<RouteDescription> {
  return answered(
    api.GET("/api/v1/versions/{version_id}/routes/{number}", {
      params: { path: { version_id: versionId, number } },
      signal,
    }),
  );
}

/** Every unassigned parcel of a version, grouped by reason, the most frequent first. */
export async function loadUnassigned(versionId: string, signal: AbortSignal): Promise<readonly UnassignedGroup[]> {
  const found: Reason[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Reason[]; next_cursor: string | null } = await answered(
      api.GET("/api/v1/versions/{version_id}/unassigned", {
        params: {
          path: { version_id: versionId },
          query: cursor === null ? { limit: PAGE_SIZE } : { limit: PAGE_SIZE, cursor },
        },
        signal,
      }),
    );
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return groupReasons(found);
}

export function groupReasons(reasons: readonly Reason[]): readonly UnassignedGroup[] {
  const groups = new Map<string, { code: string; certainty: "proved" | "heuristic"; parcels: UnassignedParcel[] }>();
  for (const reason of reasons) {
    const key = `${reason.code}/${reason.certainty}`;
    const group = groups.get(key) ?? {
      code: reason.code,
      certainty: reason.certainty === "proved" ? "proved" : "heuristic",
      parcels: [],
    };
    groups.set(key, group);
    const { fix } = reason;
    group.parcels.push({
      id: reason.parcel_id,
      vehicle: reason.vehicle,
      dimension: reason.dimension,
      amount: reason.amount,
      fix: fix === null ? null : { constraint: String(fix["constraint"]), change: String(fix["change"]) },
    });
  }
  return [...groups.values()].sort((a, b) => b.parcels.length - a.parcels.length);
}

/** Start planning a day; returns the operation to follow. */
export async function startPlanning(region: string, day: string): Promise<string> {
  const operation = await answered(
    api.POST("/api/v1/plans:make", {
      body: { region, day, reason: "" },
      params: { header: { "Idempotency-Key": newRequestKey() } },
    }),
  );
  return operation.id;
}

/** Put a version in force, as the plan was when it was read. */
export async function publish(version: VersionFacts): Promise<void> {
  await answered(
    api.POST("/api/v1/plans/{plan_id}:publish", {
      body: { version_id: version.versionId, reason: "" },
      params: {
        path: { plan_id: version.planId },
        header: { "If-Match": version.etag, "Idempotency-Key": newRequestKey() },
      },
    }),
  );
}

export function plannedRoute(figures: RouteFigures, fleet: Fleet | null): PlannedRoute {
  const vehicle = fleet?.vehicles.find((one) => one.id === figures.vehicle_id);
  const kind = fleet?.types.find((one) => one.id === figures.vehicle_type_id);
  const courier = fleet?.couriers.find((one) => one.id === figures.courier_id);
  const { peak_load: peak } = figures;
  const loads: Load[] = kind
    ? [
        { dimension: "weight", peak: peak.weight_g, capacity: kind.capacity_weight_g },
        { dimension: "volume", peak: peak.volume_cm3, capacity: kind.capacity_volume_cm3 },
        { dimension: "count", peak: peak.count, capacity: kind.capacity_count },
      ]
    : [];
  return {
    id: figures.id,
    number: figures.number,
    vehicleName: vehicle?.plate ?? figures.vehicle_id,
    vehicleType: kind?.name ?? "",
    courierName: courier?.name ?? null,
    startS: figures.start_s,
    endS: figures.end_s,
    distanceM: figures.distance_m,
    drivingS: figures.driving_s,
    waitingS: figures.waiting_s,
    costFen: figures.cost_fen,
    stopCount: figures.stops,
    parcelCount: figures.parcels,
    loads,
  };
}

const DAY_S = 86_400;

export function plannedStops(description: RouteDescription): readonly PlannedStop[] {
  return description.stops.map((stop) => ({
    id: stop.key,
    routeId: description.route.id,
    position: stop.position + 1,
    label: stop.label,
    kind: stop.kind,
    name: stop.name,
    placeId: stop.place_id,
    lon: stop.lon,
    lat: stop.lat,
    arrivalS: stop.arrival_s,
    startS: stop.start_s,
    departureS: stop.departure_s,
    deliveries: stop.deliveries,
    collections: stop.collections,
    windows: stop.windows.flatMap(([start, end]): [number, number][] =>
      start === undefined || end === undefined || (start <= 0 && end >= DAY_S) ? [] : [[start, end]],
    ),
  }));
}
