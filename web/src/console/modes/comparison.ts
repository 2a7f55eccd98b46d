/** A comparison of modes as the page uses it: what the operation's result holds. */

import type { FeatureCollection } from "geojson";

export type WayId = "joint" | "township-contract" | "station-reuse" | "separate" | "best-mix" | "policy";

export interface Figures {
  cost_fen: number;
  fees_fen: number;
  commissions_fen: number;
  distance_m: number;
  duration_s: number;
  co2_g: number;
  parcels: number;
  delivered: number;
  villages_due: number;
  villages_reached: number;
  vehicles_a_day: number | null;
  on_time_share: number | null;
  parcels_per_stop: number | null;
  gain_fen?: number;
}

export interface Way {
  id: WayId;
  total: Figures;
  companies: Record<string, Figures>;
}

export interface MixEntry {
  township: string;
  name: string;
  mode: WayId;
  counts_fen: Record<string, number>;
}

export interface Comparison {
  title: string;
  days: string[];
  companies: string[];
  seed: number;
  scenarios: Way[];
  best_mix: MixEntry[];
  assumptions: { code: string; params: Record<string, string | number>; text: string }[];
  map: FeatureCollection;
}

/** Colours of the ways to deliver, the same as in the printed picture. */
export const COLOURS: Readonly<Record<WayId, string>> = {
  joint: "#2f6fb3",
  "township-contract": "#c7792b",
  "station-reuse": "#3d8a55",
  separate: "#8a8f98",
  "best-mix": "#6b4fa3",
  policy: "#b0487a",
};

/** Read an operation's result; nothing when it is not a comparison. */
export function readComparison(result: Record<string, unknown> | null | undefined): Comparison | null {
  return result && Array.isArray(result["scenarios"]) ? (result as unknown as Comparison) : null;
}

export interface Shape {
  township: string;
  name: string;
  mode: WayId;
  paths: string[];
  label: readonly [number, number];
}

/** Project townships into a box of a width, north up, true to scale at the middle; gives the height it takes. */
export function project(map: FeatureCollection, width: number): { shapes: Shape[]; height: number } {
  const all = map.features.flatMap((one) => rings(one.geometry).flat());
  if (all.length === 0) return { shapes: [], height: 0 };
  const [west, east] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const [south, north] = [Math.min(...all.map(([, y]) => y)), Math.max(...all.map(([, y]) => y))];
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = width / Math.max((east - west) * squeeze, (north - south) / 1.2, 1e-6);
  const place = ([x, y]: Point): Point => [(x - west) * squeeze * scale, (north - y) * scale];
  const shapes = map.features.map((one) => {
    const properties = one.properties ?? {};
    const label = properties["label_at"] as Point | undefined;
    return {
      township: String(properties["township"]),
      name: String(properties["name"]),
      mode: properties["mode"] as WayId,
      paths: rings(one.geometry).map((ring) => ring.map((point) => place(point).map((v) => v.toFixed(1)).join(",")).join(" ")),
      label: place(label ?? rings(one.geometry)[0]?.[0] ?? [west, north]),
    };
  });
  return { shapes, height: (north - south) * scale };
}

type Point = readonly [number, number];

function rings(geometry: FeatureCollection["features"][number]["geometry"]): Point[][] {
  if (geometry.type === "Point") return [[geometry.coordinates as unknown as Point]];
  if (geometry.type === "Polygon") return [geometry.coordinates[0] as unknown as Point[]];
  if (geometry.type === "MultiPolygon") return geometry.coordinates.map((polygon) => polygon[0] as unknown as Point[]);
  return [];
}
