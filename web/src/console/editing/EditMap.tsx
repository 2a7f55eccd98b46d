import type { Feature, FeatureCollection } from "geojson";
import { useMemo, useState } from "react";

import { api, answered } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Region } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { RoadMap, type MapData } from "../../map/RoadMap";
import { routeColor, routeDash } from "../colors";
import { depotFeatures, farthest } from "../day";
import { townshipPoints } from "../useDay";
import type { Draft, Shape } from "./draft";
import type { DraftWork, Trial } from "./useDraft";

const WAITING = "waiting";
/** Names no route: with it all routes step back behind what is compared. */
const NO_ROUTE = "-";
const WAITING_COLOR = "#5d6761";

export interface EditMapProps {
  work: DraftWork;
  draft: Draft;
  region: Region;
  vehicle: string | null;
  stop: string | null;
  onVehicle(vehicle: string | null): void;
  onStop(stop: string): void;
}

/** The draft on the map: routes by colour, dash and number; what a change would replace in grey, what it brings in green. */
export function EditMap({ work, draft, region, vehicle, stop, onVehicle, onStop }: EditMapProps) {
  const { t } = useLanguage();
  const [mapless, setMapless] = useState(false);
  const path = { region: region.name };
  const roads = useResource(region.source === "geodesic" ? null : `roads/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })),
  );
  const places = useResource(`places/${region.name}`, (signal) => answered(api.GET("/api/v1/regions/{region}/places", { params: { path }, signal })));
  const { trial, comparison, shapes, proposed } = work;
  const colors = useMemo(() => new Map(draft.vehicles.filter((one) => one.number > 0).map((one) => [one.number, routeColor(one.number)])), [draft]);

  const data = useMemo<MapData>(() => {
    const { lon, lat } = region.depot;
    const depot: [number, number] | null = lon === null || lat === null ? null : [lon, lat];
    const numbers = new Map(draft.vehicles.map((one) => [one.vehicle_id, one.number]));
    const found: MapData = { ...plannedFeatures(shapes, numbers, depot), depot: depotFeatures(depot), townships: townshipPoints(region) };
    found.stops?.features.push(
      ...draft.waiting.map((one): Feature => ({
        type: "Feature",
        geometry: { type: "Point", coordinates: [one.lon, one.lat] },
        properties: { route_id: WAITING, stop_id: one.key, position: "?", color: WAITING_COLOR },
      })),
    );
    if (roads.data) found.roads = roads.data as unknown as FeatureCollection;
    if (places.data) found.places = places.data as unknown as FeatureCollection;
    return found;
  }, [shapes, draft, region, roads.data, places.data]);

  const overlays = useMemo<MapData>(() => {
    if (trial) return { before: collected(trial.before), after: collected([...trial.after, ...concerned(trial).flatMap((key) => ringed(key, work))]) };
    if (proposed.length > 0) {
      const touched = new Set(proposed.map((one) => one.properties?.["vehicle_id"] as string));
      return { before: collected(lines(shapes, touched)), after: collected(proposed) };
    }
    if (comparison) {
      const touched = new Set(comparison.difference.routes.map((one) => one.vehicle_id));
      const moved = comparison.difference.routes.flatMap((one) => one.changes.map((change) => change.stop_key));
      return { before: collected(comparison.before), after: collected([...lines(shapes, touched), ...moved.flatMap((key) => ringed(key, work))]) };
    }
    return { after: collected(ringed(stop, work)) };
  }, [trial, proposed, comparison, shapes, stop, work]);

  const compares = trial !== null || comparison !== null || proposed.length > 0;
  return (
    <div className="map-area editing__map">
      <RoadMap
        data={{ ...data, ...overlays }}
        attribution={region.attribution}
        label={t("map.title")}
        routeColors={colors}
        selectedRoute={compares ? NO_ROUTE : vehicle}
        selectedStop={stop}
        frameKey={`${draft.base_version_id}/${shapes.size > 0}`}
        onRoute={(id) => onVehicle(id === WAITING ? null : id)}
        onStop={(_, key) => onStop(key)}
        onUnavailable={() => setMapless(true)}
      />
      <div className="map-area__over">
        {region.source === "geodesic" && <span className="chip chip--warn">{t("map.estimated")}</span>}
        {mapless && <span className="chip chip--warn">{t("map.unavailable")}</span>}
      </div>
      {compares && (
        <p className="legend">
          <span><i className="editing__line editing__line--before" />{t("edit.before")}</span>
          <span><i className="editing__line editing__line--after" />{t("edit.after")}</span>
        </p>
      )}
    </div>
  );
}

function collected(features: readonly Feature[]): FeatureCollection {
  return { type: "FeatureCollection", features: [...features] };
}

function plannedFeatures(shapes: ReadonlyMap<string, Shape>, numbers: ReadonlyMap<string, number>, depot: [number, number] | null): MapData {
  const routes: Feature[] = [];
  const stops: Feature[] = [];
  for (const [vehicle, shape] of shapes) {
    const number = numbers.get(vehicle) ?? 0;
    const properties = { route_id: vehicle, number, color: routeColor(number), dash: routeDash(number) };
    if (shape.line) routes.push({ type: "Feature", geometry: shape.line, properties });
    const far = farthest(shape.stops, depot);
    if (far) routes.push({ type: "Feature", geometry: { type: "Point", coordinates: [far.lon, far.lat] }, properties });
    for (const one of shape.stops) {
      const marks = { route_id: vehicle, stop_id: one.key, position: one.position + 1, color: one.done ? WAITING_COLOR : routeColor(number) };
      stops.push({ type: "Feature", geometry: { type: "Point", coordinates: [one.lon, one.lat] }, properties: marks });
    }
  }
  return { routes: collected(routes), stops: collected(stops) };
}

function lines(shapes: ReadonlyMap<string, Shape>, vehicles: ReadonlySet<string>): Feature[] {
  return [...shapes].flatMap(([vehicle, { line }]) =>
    line && vehicles.has(vehicle) ? [{ type: "Feature" as const, geometry: line, properties: {} }] : [],
  );
}

/** Stops that a tried edit names. */
function concerned({ command }: Trial): string[] {
  return [command["stop"], command["first"], command["second"], ...((command["stops"] as unknown[] | undefined) ?? [])].filter((key) => typeof key === "string");
}

/** A ring around a stop, so that it is found among others. */
function ringed(key: string | null, { stopOf, draft }: DraftWork): Feature[] {
  const found = key === null ? undefined : (stopOf.get(key)?.stop ?? draft?.waiting.find((one) => one.key === key));
  return found ? [{ type: "Feature", geometry: { type: "Point", coordinates: [found.lon, found.lat] }, properties: {} }] : [];
}
