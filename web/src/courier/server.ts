/** The handheld's dealings with the server: pull the day, hand over what was done. */

import { api, answered, answeredWithHeaders, newRequestKey } from "../api/client";
import { asProblem, type ProblemBody } from "../api/problem";
import type { CourierRoute } from "../api/types";
import { todayIn } from "../i18n/format";
import type { Answer } from "./answers";
import { DONE_STATUSES, type CourierDay, type CourierStop } from "./day";
import type { OutboxRow, Send, Verdict } from "./outbox";

/** Today where the region is. */
export async function today(): Promise<string> {
  const regions = await answered(api.GET("/api/v1/regions"));
  return todayIn(regions.items[0]?.zone ?? "UTC", new Date());
}

export interface Pull {
  day: string;
  etag: string | null;
  /** Version the courier has accepted; the server lists the changes against it. */
  seen: string | null;
}

/** Pull the day's route: "same" when nothing changed, null when there is none. */
export async function fetchDay(pull: Pull): Promise<CourierDay | "same" | null> {
  try {
    const answer = await answeredWithHeaders(
      api.GET("/api/v1/courier/route", {
        params: { query: pull.seen === null ? { day: pull.day } : { day: pull.day, seen: pull.seen } },
        headers: pull.etag === null ? {} : { "If-None-Match": pull.etag },
      }),
    );
    return answer.status === 304 ? "same" : courierDay(answer.data, answer.headers.get("ETag") ?? "");
  } catch (error) {
    if (asProblem(error).code === "no_route") return null;
    throw error;
  }
}

/** Hand over what the courier said to a changed route; a route that changed again meanwhile wants no answer any more. */
export async function postAnswer(said: Answer): Promise<boolean> {
  try {
    await answered(
      api.POST("/api/v1/courier/route:answer", {
        body: { day: said.day, route_id: said.routeId, answer: said.answer, reason: said.reason, seen: said.seen },
        params: { header: { "Idempotency-Key": newRequestKey() } },
      }),
    );
    return true;
  } catch (error) {
    const { status } = asProblem(error);
    if (status >= 400 && status < 500 && status !== 401 && status !== 429) return true;
    throw error;
  }
}

/** Hand rows over; also tells how far the phone's clock is from the server's. */
export function sender(onOffset: (offsetMs: number) => void): Send {
  return async (rows) => {
    const sentAt = new Date();
    const answer = await answered(
      api.POST("/api/v1/courier/events", {
        body: { events: rows.map(eventForm), uploaded_at: sentAt.toISOString() },
      }),
    );
    onOffset(clockOffset(sentAt.getTime(), Date.now(), Date.parse(answer.received_at)));
    return answer.items.flatMap((item): Verdict[] => {
      if (item.event_id === null) return [];
      if (item.outcome !== "rejected") return [{ eventId: item.event_id, status: item.outcome }];
      const problem = (item.problem ?? { code: "unexpected_answer", status: 0 }) as unknown as ProblemBody;
      return [{ eventId: item.event_id, status: "refused", problem }];
    });
  };
}

/** Server's clock minus the phone's, taking the answer's moment as half-way between sending and hearing. */
export function clockOffset(sentMs: number, heardMs: number, serverMs: number): number {
  return Math.round(serverMs - (sentMs + heardMs) / 2);
}

/** A row as the server takes it; made from the row alone, so that every retry is the same. */
export function eventForm(row: OutboxRow) {
  return {
    event_id: row.eventId,
    kind: row.type,
    parcel_id: row.parcelId,
    day: row.day,
    fact_at: new Date(Date.parse(row.madeAt) + row.clockOffsetMs).toISOString(),
    device_at: row.madeAt,
    clock_offset_ms: row.clockOffsetMs,
    store: row.store,
    seq: row.seq,
    plan_version_id: row.planVersionId,
    cause: row.cause ?? null,
    next_action: (row.nextAction ?? null) as "redeliver" | null,
    next_on: row.nextOn ?? null,
    evidence: [],
  };
}

export function courierDay(route: CourierRoute, etag: string): CourierDay {
  const line = route.geometry as { coordinates?: [number, number][] } | null;
  return {
    etag,
    day: route.day,
    zone: route.zone,
    region: route.region,
    routeId: route.route_id,
    planVersionId: route.version_id,
    number: route.number,
    vehicle: [route.plate, route.vehicle_type].filter(Boolean).join(" · "),
    startS: route.start_s,
    endS: route.end_s,
    estimated: route.source !== "road",
    stops: route.stops.map(courierStop),
    line: line?.coordinates ?? [],
    changes: route.changes.map((change) => ({
      kind: change.kind,
      label: change.label,
      name: change.name,
      parcels: change.parcel_ids.length,
      shiftS: change.shift_s,
    })),
  };
}

function courierStop(stop: CourierRoute["stops"][number]): CourierStop {
  return {
    id: stop.key,
    position: stop.position,
    label: stop.label,
    kind: stop.kind,
    name: stop.name,
    lon: stop.lon,
    lat: stop.lat,
    arrivalS: stop.arrival_s,
    windows: stop.windows.flatMap(([start, end]): [string, string][] =>
      start === undefined || end === undefined || coversDay(start, end) ? [] : [[start, end]],
    ),
    parcels: stop.parcels.map((parcel) => ({
      id: parcel.id,
      waybill: parcel.waybill,
      direction: parcel.direction,
      recipient: parcel.recipient_name,
      phone: parcel.recipient_phone,
      address: parcel.address,
      pieces: parcel.pieces > 1 ? `${parcel.piece}/${parcel.pieces}` : "",
      codFen: parcel.cod_fen,
      weightG: parcel.weight_g,
      show: Object.entries(parcel.evidence).flatMap(([kind, demand]) => (demand === "enabled" ? [] : [kind])),
      until: parcel.deadline_at,
      finished: DONE_STATUSES.has(parcel.status) && !waitsAtSite(parcel.status, stop),
    })),
  };
}

/** A kiosk has accepted its parcels from their senders too: they still wait there until the courier reported the stop. */
function waitsAtSite(status: string, stop: CourierRoute["stops"][number]): boolean {
  return status === "accepted" && stop.site_id !== null && !stop.done;
}

const DAY_MS = 86_400_000;

function coversDay(start: string, end: string): boolean {
  return Date.parse(end) - Date.parse(start) >= DAY_MS;
}
