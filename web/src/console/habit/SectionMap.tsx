import type { Feature, FeatureCollection } from "geojson";
import { useMemo } from "react";

import { answered, api } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Region } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { RoadMap } from "../../map/RoadMap";
import type { Section } from "./habit";

const NO_COLORS: ReadonlyMap<number, string> = new Map();
const FAINT = "#c9c5bb";

export interface SectionMapProps {
  region: Region;
  sections: readonly Section[];
  chosen: number | null;
  onChoose(number: number | null): void;
}

/** Every village in the colour of its section; of a chosen section the master route as a line from village to village. */
export function SectionMap({ region, sections, chosen, onChoose }: SectionMapProps) {
  const { t } = useLanguage();
  const path = { region: region.name };
  const roads = useResource(region.source === "geodesic" ? null : `roads/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })),
  );
  const places = useResource(`places/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/places", { params: { path }, signal })),
  );
  const known = places.data as unknown as FeatureCollection | null;
  const drawn = useMemo(() => featuresOf(sections, known, chosen), [sections, known, chosen]);
  const data = {
    ...drawn,
    ...(roads.data ? { roads: roads.data as unknown as FeatureCollection } : {}),
    ...(known ? { places: known } : {}),
  };
  return (
    <section className="habit__map map-area" aria-label={t("habit.map")}>
      <RoadMap
        data={data}
        attribution={region.attribution}
        label={t("habit.map")}
        routeColors={NO_COLORS}
        selectedRoute={chosen === null ? null : String(chosen)}
        selectedStop={null}
        frameKey={`${region.name}/${known ? "places" : ""}`}
        onStop={(route) => onChoose(Number(route))}
      />
    </section>
  );
}

function featuresOf(sections: readonly Section[], places: FeatureCollection | null, chosen: number | null) {
  const where = new Map<string, number[]>();
  for (const one of places?.features ?? []) {
    const id = one.properties?.["id"] ?? one.id;
    if (one.geometry.type === "Point") where.set(String(id), one.geometry.coordinates);
  }
  const stops: Feature[] = [];
  const routes: Feature[] = [];
  for (const section of sections) {
    const color = chosen === null || chosen === section.number ? section.color : FAINT;
    const line: number[][] = [];
    section.stops.forEach((stop, index) => {
      const at = where.get(stop.placeId);
      if (!at) return;
      line.push(at);
      const properties = { route_id: String(section.number), stop_id: stop.placeId, color, position: index + 1 };
      stops.push({ type: "Feature", geometry: { type: "Point", coordinates: at }, properties });
    });
    if (section.number === chosen && line.length > 1) {
      const properties = { route_id: String(section.number), color, number: section.number };
      routes.push({ type: "Feature", geometry: { type: "LineString", coordinates: line }, properties });
    }
  }
  return { stops: collection(stops), routes: collection(routes) };
}

const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });
