/** A siting study's document as the page uses it. */

import type { Feature, FeatureCollection } from "geojson";

export interface StudySite {
  id: string;
  name: string;
  scene: string;
  lon: number;
  lat: number;
  existing: boolean;
  demand: number;
  mean: number | null;
  low: number | null;
  high: number | null;
}

export interface Study {
  withinMin: number;
  /** Share of the demand within reach. */
  covered: number;
  proven: boolean;
  attribution: string;
  sites: readonly StudySite[];
  beyond: readonly string[];
  /** Names of kiosks by id. */
  names: ReadonlyMap<string, string>;
  /** Places whose demand is beyond reach, as points. */
  beyondPoints: readonly Feature[];
}

type Fields = Record<string, unknown>;

export function readStudy(document: Fields): Study {
  const sites = list(document["sites"]).map(readSite);
  const map = document["map"] as FeatureCollection | undefined;
  const total = number(document["total"]) ?? 0;
  return {
    withinMin: number(document["within_min"]) ?? 0,
    covered: total > 0 ? (number(document["covered"]) ?? 0) / total : 0,
    proven: document["proven"] === true,
    attribution: text(document["attribution"]),
    sites,
    beyond: list(document["uncovered"]).map((one) => text(one["name"])),
    names: new Map(sites.map((one) => [one.id, one.name])),
    beyondPoints: (map?.features ?? []).filter((one) => one.properties?.["kind"] === "demand" && one.properties["covered"] === false),
  };
}

function readSite(fields: Fields): StudySite {
  return {
    id: text(fields["id"]),
    name: text(fields["name"]),
    scene: text(fields["scene"]),
    lon: number(fields["lon"]) ?? 0,
    lat: number(fields["lat"]) ?? 0,
    existing: fields["existing"] === true,
    demand: number(fields["demand"]) ?? 0,
    mean: number(fields["drop_offs_a_day"]),
    low: number(fields["drop_offs_low"]),
    high: number(fields["drop_offs_high"]),
  };
}

const list = (value: unknown) => (Array.isArray(value) ? (value as Fields[]) : []);
const number = (value: unknown) => (typeof value === "number" ? value : null);
const text = (value: unknown) => (typeof value === "string" ? value : "");
