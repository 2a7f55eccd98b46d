/** A day's plan as the screens show it, in the units of the API. */

import type { Feature, FeatureCollection, Geometry } from "geojson";

export interface Load {
  dimension: "weight" | "volume" | "count";
  peak: number;
  capacity: number;
}

export interface PlannedRoute {
  id: string;
  number: number;
  vehicleName: string;
  vehicleType: string;
  courierName: string | null;
  startS: number;
  endS: number;
  distanceM: number;
  drivingS: number;
  waitingS: number;
  costFen: number;
  stopCount: number;
  parcelCount: number;
  loads: readonly Load[];
}

export interface PlannedStop {
  id: string;
  routeId: string;
  position: number;
  /** Number on the parcels; survives insertions, unlike the position. */
  label: number;
  kind: string;
  name: string;
  placeId: string;
  lon: number;
  lat: number;
  arrivalS: number;
  startS: number;
  departureS: number;
  /** Ids of parcels dropped and taken here. */
  deliveries: readonly string[];
  collections: readonly string[];
  windows: readonly (readonly [number, number])[];
}

/** A route with what is fetched on its own: stops and line. */
export interface RouteContent {
  stops: readonly PlannedStop[];
  line: Geometry | null;
}

export interface VersionFacts {
  planId: string;
  versionId: string;
  number: number;
  published: boolean;
  /** Of the plan as read: publishing needs it (API-04). */
  etag: string;
  source: "road" | "geodesic" | "mixed";
}

export interface DayTotals {
  parcelsAssigned: number;
  parcelsTotal: number;
  unassigned: number;
  lateStops: number;
  vehicles: number;
  stops: number;
  distanceM: number;
  workingS: number;
  costFen: number;
}

/** Everything the screens show of one version; contents arrive route by route. */
export interface DayPlan {
  version: VersionFacts;
  totals: DayTotals;
  routes: readonly PlannedRoute[];
  contents: ReadonlyMap<string, RouteContent>;
  unassigned: readonly UnassignedGroup[];
}

/** A parcel at a stop; recipient and phone are masked by the server. */
export interface StopParcel {
  id: string;
  waybill: string;
  company: string;
  direction: "deliver" | "collect";
  recipient: string;
  phone: string;
  weightG: number;
}

/** Parcels on no route for one reason. */
export interface UnassignedGroup {
  code: string;
  certainty: "proved" | "heuristic";
  parcels: readonly UnassignedParcel[];
}

export interface UnassignedParcel {
  id: string;
  vehicle: string | null;
  dimension: string | null;
  amount: number | null;
  fix: { constraint: string; change: string } | null;
}

export const NO_STOPS: readonly PlannedStop[] = [];

/** Share of capacity in use at the fullest moment, 0 to 1 and beyond. */
export function loadShare(load: Load): number {
  return load.capacity > 0 ? load.peak / load.capacity : 0;
}

/** Whether work at a stop begins after its last window closed. */
export function isLate(stop: PlannedStop): boolean {
  return stop.windows.length > 0 && stop.windows.every(([, end]) => stop.startS > end);
}

export function lateStops(stops: readonly PlannedStop[]): number {
  return stops.filter(isLate).length;
}

/** Stops as points for the map, coloured by route. */
export function stopPoints(plan: DayPlan, color: (number: number) => string): FeatureCollection {
  const features = plan.routes.flatMap((route) =>
    (plan.contents.get(route.id)?.stops ?? NO_STOPS).map(
      (stop): Feature => ({
        type: "Feature",
        geometry: { type: "Point", coordinates: [stop.lon, stop.lat] },
        properties: { route_id: route.id, stop_id: stop.id, position: stop.position, color: color(route.number) },
      }),
    ),
  );
  return { type: "FeatureCollection", features };
}

/** The depot as a point, nothing where its position is unknown. */
export function depotFeatures(depot: readonly [number, number] | null): FeatureCollection {
  const features: Feature[] = depot === null ? [] : [{ type: "Feature", geometry: { type: "Point", coordinates: [...depot] }, properties: {} }];
  return { type: "FeatureCollection", features };
}

/** Lines of routes with their colour, and a numbered mark at each route's farthest stop. */
export function routeFeatures(
  plan: DayPlan,
  depot: readonly [number, number] | null,
  color: (number: number) => string,
  dash: (number: number) => string,
): FeatureCollection {
  const features: Feature[] = [];
  for (const route of plan.routes) {
    const content = plan.contents.get(route.id);
    if (!content) continue;
    const properties = { route_id: route.id, number: route.number, color: color(route.number), dash: dash(route.number) };
    if (content.line) features.push({ type: "Feature", geometry: content.line, properties });
    const far = farthest(content.stops, depot);
    if (far) features.push({ type: "Feature", geometry: { type: "Point", coordinates: [far.lon, far.lat] }, properties });
  }
  return { type: "FeatureCollection", features };
}

interface Spot {
  lon: number;
  lat: number;
}

/** The stop of a route where its number stands. */
export function farthest<T extends Spot>(stops: readonly T[], from: readonly [number, number] | null): T | null {
  if (from === null) return stops[Math.floor(stops.length / 2)] ?? null;
  const reach = (stop: T) => (stop.lon - from[0]) ** 2 + (stop.lat - from[1]) ** 2;
  return stops.reduce<T | null>((most, stop) => (most === null || reach(stop) > reach(most) ? stop : most), null);
}
