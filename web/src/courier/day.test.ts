import { describe, expect, it } from "vitest";

import type { CourierRoute } from "../api/types";
import { doneKind, findScanned, nextStop, type CourierDay, type CourierParcel, type CourierStop } from "./day";
import type { OutboxRow } from "./outbox";
import { clockOffset, courierDay, eventForm } from "./server";

const parcel = (id: string, direction: "deliver" | "collect" = "deliver"): CourierParcel => ({
  id,
  waybill: `W${id}`,
  direction,
  recipient: "",
  phone: "",
  address: "",
  pieces: "",
  codFen: 0,
  weightG: 0,
  finished: false,
});

const stop = (id: string, position: number, ...parcels: string[]): CourierStop => ({
  id,
  position,
  label: position,
  kind: "door",
  name: id,
  lon: 0,
  lat: 0,
  arrivalS: 0,
  windows: [],
  parcels: parcels.map((one) => parcel(one)),
});

const day = (...stops: CourierStop[]): CourierDay => ({
  etag: "",
  day: "2026-11-21",
  zone: "Asia/Shanghai",
  region: "demo",
  routeId: "r",
  planVersionId: "v",
  number: 1,
  vehicle: "",
  startS: 0,
  endS: 0,
  estimated: false,
  stops,
  line: [],
  changes: [],
});

describe("the courier's day", () => {
  it("goes on with the first stop that is not finished", () => {
    const today = day(stop("a", 1, "1", "2"), stop("b", 2, "3"));
    expect(nextStop(today, new Set(["1"]))?.id).toBe("a");
    expect(nextStop(today, new Set(["1", "2"]))?.id).toBe("b");
    expect(nextStop(today, new Set(["1", "2", "3"]))).toBeNull();
  });

  it("hh_22 finds every piece of a scanned waybill", () => {
    const today = day(stop("a", 1, "1", "2"), stop("b", 2, "1"));
    expect(findScanned(today, " w1 ").map((one) => one.stop.id)).toEqual(["a", "b"]);
    expect(findScanned(today, "other")).toEqual([]);
  });

  it("calls a parcel delivered at a door, deposited at a station, collected from a kiosk", () => {
    expect(doneKind(stop("a", 1), parcel("1"))).toBe("delivered");
    expect(doneKind({ ...stop("a", 1), kind: "station" }, parcel("1"))).toBe("deposited");
    expect(doneKind({ ...stop("a", 1), kind: "kiosk" }, parcel("1", "collect"))).toBe("collected");
  });

  it("keeps only time windows that bind", () => {
    const route = {
      stops: [
        {
          windows: [["2026-11-21T00:00:00+08:00", "2026-11-22T00:00:00+08:00"]],
          parcels: [],
        },
        { windows: [["2026-11-21T09:00:00+08:00", "2026-11-21T12:00:00+08:00"]], parcels: [] },
      ],
      changes: [],
      geometry: null,
    } as unknown as CourierRoute;
    expect(courierDay(route, "").stops.map((one) => one.windows.length)).toEqual([0, 1]);
  });
});

describe("a parcel that a kiosk took in", () => {
  const route = (done: boolean) =>
    ({
      stops: [{ site_id: "k1", done, windows: [], parcels: [{ id: "p", status: "accepted", pieces: 1, evidence: {} }] }],
      changes: [],
      geometry: null,
    }) as unknown as CourierRoute;

  it("waits for the courier until the stop was reported", () => {
    expect(courierDay(route(false), "").stops[0]?.parcels[0]?.finished).toBe(false);
    expect(courierDay(route(true), "").stops[0]?.parcels[0]?.finished).toBe(true);
  });
});

describe("what is sent", () => {
  const row: OutboxRow = {
    eventId: "e",
    actor: "u",
    store: "s",
    seq: 7,
    madeAt: "2026-11-21T02:00:00.000Z",
    clockOffsetMs: 90_000,
    state: "pending",
    type: "delivered",
    parcelId: "p",
    day: "2026-11-21",
    planVersionId: "v",
  };

  it("hh_06 keeps the phone's time and the corrected one apart", () => {
    expect(eventForm(row)).toMatchObject({
      device_at: "2026-11-21T02:00:00.000Z",
      fact_at: "2026-11-21T02:01:30.000Z",
      clock_offset_ms: 90_000,
    });
  });

  it("hh_01 is the same at every retry", () => {
    expect(eventForm(row)).toEqual(eventForm(row));
  });

  it("hh_06 takes the answer's moment as half-way between sending and hearing", () => {
    expect(clockOffset(1_000, 3_000, 62_000)).toBe(60_000);
  });
});
