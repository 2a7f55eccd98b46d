import { describe, expect, it } from "vitest";

import { readExceeded, readHabit } from "./habit";

describe("readHabit", () => {
  it("names the courier as owner, else the vehicle, and keeps the usual order", () => {
    const stops = [
      { place_id: "n2", name: "上坝村", arrival_s: 30_000, shared: false },
      { place_id: "n1", name: "下坝村", arrival_s: null, shared: true },
    ];
    const [first, second] = readHabit({
      sections: [
        { number: 1, vehicle_id: "van-1", courier_id: "c-1", work_min: 90, stops },
        { number: 2, vehicle_id: "van-2", courier_id: null, work_min: null, stops: [] },
      ],
    });
    expect(first?.owner).toBe("c-1");
    expect(first?.stops.map((stop) => stop.placeId)).toEqual(["n2", "n1"]);
    expect(first?.stops[1]?.shared).toBe(true);
    expect(second?.owner).toBe("van-2");
    expect(second?.color).not.toBe(first?.color);
  });

  it("reads nothing from a document without sections", () => {
    expect(readHabit({})).toEqual([]);
  });
});

describe("readExceeded", () => {
  it("lists each departure with its section and reason", () => {
    const one = { kind: "order", section: 3, place_id: "n7", stop_key: "k", reason: "late", amount: 5, remedy: "" };
    expect(readExceeded({ exceeded: [one] })).toEqual([
      { kind: "order", section: 3, placeId: "n7", stopKey: "k", reason: "late" },
    ]);
    expect(readExceeded({})).toEqual([]);
  });
});
