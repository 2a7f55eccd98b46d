/** A version of habit as the page draws it, read from the document the server keeps. */

export interface SectionStop {
  placeId: string;
  name: string;
  arrivalS: number | null;
  shared: boolean;
}

export interface Section {
  number: number;
  owner: string;
  color: string;
  workMin: number | null;
  stops: SectionStop[];
}

/** Colours that can be told apart beside each other; they repeat after so many sections. */
const COLORS = [
  "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
  "#393b79", "#ad494a", "#637939", "#8c6d31", "#7b4173", "#3182bd", "#e6550d", "#31a354", "#756bb1", "#636363",
] as const;

export function readHabit(document: Record<string, unknown>): Section[] {
  return list(document["sections"]).map((one, index) => ({
    number: Number(one["number"]),
    owner: text(one["courier_id"]) ?? text(one["vehicle_id"]) ?? "",
    color: COLORS[index % COLORS.length] ?? "#000000",
    workMin: number(one["work_min"]),
    stops: list(one["stops"]).map((stop) => ({
      placeId: text(stop["place_id"]) ?? "",
      name: text(stop["name"]) ?? "",
      arrivalS: number(stop["arrival_s"]),
      shared: stop["shared"] === true,
    })),
  }));
}

export interface Exceeded {
  kind: string;
  section: number;
  placeId: string;
  stopKey: string;
  reason: string;
}

/** What a plan's record of habit lists as beyond its bounds. */
export function readExceeded(planned: Record<string, unknown>): Exceeded[] {
  return list(planned["exceeded"]).map((one) => ({
    kind: text(one["kind"]) ?? "",
    section: number(one["section"]) ?? 0,
    placeId: text(one["place_id"]) ?? "",
    stopKey: text(one["stop_key"]) ?? "",
    reason: text(one["reason"]) ?? "",
  }));
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
