import type { Feature, FeatureCollection } from "geojson";
import { useMemo } from "react";

import { api, answered } from "../api/client";
import { useResource } from "../api/resource";
import { routeColor } from "../console/colors";
import { useLanguage } from "../i18n/language";
import { RoadMap, type MapData } from "../map/RoadMap";
import { openParcels, type CourierDay } from "./day";

const DONE = "#9b968a";

/** The day's line and stops; the roads come along when there is network. */
export default function CourierMap({ day, done, next }: { day: CourierDay; done: ReadonlySet<string>; next: string | null }) {
  const { t } = useLanguage();
  const path = { region: day.region };
  const region = useResource(day.region, (signal) => answered(api.GET("/api/v1/regions/{region}", { params: { path }, signal })));
  const roads = useResource(day.region, (signal) => answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })));
  const color = routeColor(day.number);
  const data = useMemo<MapData>(() => {
    const stops: Feature[] = day.stops.map((stop) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [stop.lon, stop.lat] },
      properties: {
        route_id: day.routeId,
        stop_id: stop.id,
        position: stop.label,
        color: openParcels(stop, done).length > 0 ? color : DONE,
      },
    }));
    return {
      ...(roads.data ? { roads: roads.data as unknown as FeatureCollection } : {}),
      routes: lineOf(day, color),
      stops: { type: "FeatureCollection", features: stops },
      ...(day.line[0] ? { depot: pointAt(day.line[0]) } : {}),
    };
  }, [day, done, color, roads.data]);
  return (
    <div className="map-area">
      {day.estimated && (
        <div className="map-area__over">
          <span className="chip chip--warn">{t("map.estimated")}</span>
        </div>
      )}
      <RoadMap
        data={data}
        attribution={region.data?.attribution ?? ""}
        label={t("map.title")}
        routeColors={NO_COLORS}
        selectedRoute={day.routeId}
        selectedStop={next}
        frameKey={day.routeId}
      />
    </div>
  );
}

/** The route leaves from the depot, so that is where its line begins. */
function pointAt(at: readonly [number, number]): FeatureCollection {
  const geometry = { type: "Point" as const, coordinates: [...at] };
  return { type: "FeatureCollection", features: [{ type: "Feature", geometry, properties: {} }] };
}

function lineOf(day: CourierDay, color: string): FeatureCollection {
  const geometry = { type: "LineString" as const, coordinates: day.line.map((point) => [...point]) };
  const properties = { route_id: day.routeId, number: day.number, color };
  return { type: "FeatureCollection", features: [{ type: "Feature", geometry, properties }] };
}

const NO_COLORS: ReadonlyMap<number, string> = new Map();
