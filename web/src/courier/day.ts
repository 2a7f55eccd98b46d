/** A courier's day as the handheld keeps it. */

export interface CourierParcel {
  id: string;
  waybill: string;
  direction: "deliver" | "collect";
  recipient: string;
  phone: string;
  address: string;
  /** Piece n of m, empty for a single piece. */
  pieces: string;
  codFen: number;
  weightG: number;
  /** What has to be shown at hand-over; a day fetched before this was told has none. */
  show?: readonly string[];
  /** Moment the promise runs out. */
  until?: string | null;
  /** The server knows its outcome already. */
  finished: boolean;
}

export interface CourierStop {
  id: string;
  /** Order of driving. */
  position: number;
  /** Number on the parcels; stays when the order changes. */
  label: number;
  kind: string;
  name: string;
  lon: number;
  lat: number;
  arrivalS: number;
  /** Moments between which work may start; empty when at any time. */
  windows: readonly (readonly [string, string])[];
  parcels: readonly CourierParcel[];
}

/** One change against the route the courier accepted; found by the server (HH-13). */
export interface RouteChange {
  kind: "stop_added" | "stop_removed" | "parcels_added" | "parcels_removed" | "order_moved" | "eta_moved";
  label: number;
  name: string;
  parcels: number;
  shiftS: number;
}

export interface CourierDay {
  etag: string;
  day: string;
  zone: string;
  region: string;
  routeId: string;
  planVersionId: string;
  number: number;
  vehicle: string;
  startS: number;
  endS: number;
  /** Times and line come from straight lines, not from roads. */
  estimated: boolean;
  stops: readonly CourierStop[];
  line: readonly (readonly [number, number])[];
  changes: readonly RouteChange[];
}

/** Custody statuses after which the courier owes a parcel nothing more on this route. */
export const DONE_STATUSES: ReadonlySet<string> = new Set([
  "delivered",
  "stored",
  "collected",
  "accepted",
  "attempted",
  "returned",
  "forwarded",
  "lost",
]);

/** What to call finishing a parcel at a stop. */
export function doneKind(stop: CourierStop, parcel: CourierParcel): "collected" | "deposited" | "delivered" {
  if (parcel.direction === "collect") return "collected";
  return stop.kind === "door" ? "delivered" : "deposited";
}

/** The first stop that still has a parcel without an outcome. */
export function nextStop(day: CourierDay, done: ReadonlySet<string>): CourierStop | null {
  return day.stops.find((stop) => openParcels(stop, done).length > 0) ?? null;
}

export function openParcels(stop: CourierStop, done: ReadonlySet<string>): readonly CourierParcel[] {
  return stop.parcels.filter((parcel) => !done.has(parcel.id));
}

/** Parcels a scanned code may mean; several pieces share a waybill (HH-22). */
export function findScanned(day: CourierDay, code: string): { stop: CourierStop; parcel: CourierParcel }[] {
  const wanted = code.trim().toUpperCase();
  return day.stops.flatMap((stop) =>
    stop.parcels
      .filter((parcel) => parcel.waybill.toUpperCase() === wanted || parcel.id.toUpperCase() === wanted)
      .map((parcel) => ({ stop, parcel })),
  );
}
