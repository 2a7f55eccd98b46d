import type { Feature, FeatureCollection } from "geojson";
import { useMemo } from "react";

import { answered, api } from "../../api/client";
import { useResource } from "../../api/resource";
import type { Region } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { RoadMap } from "../../map/RoadMap";
import type { Study, StudySite } from "./study";

const NEW = "#d55e00";
const BEYOND = "#cc79a7";
const NO_COLORS: ReadonlyMap<number, string> = new Map();

export interface StudyMapProps {
  region: Region;
  study: Study | null;
  chosen: string | null;
  onChoose(id: string): void;
}

/** Kiosks that stand, new ones with their numbers, and the places beyond reach, on the county's roads. */
export function StudyMap({ region, study, chosen, onChoose }: StudyMapProps) {
  const { t } = useLanguage();
  const path = { region: region.name };
  const roads = useResource(region.source === "geodesic" ? null : `roads/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })),
  );
  const places = useResource(`places/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/places", { params: { path }, signal })),
  );
  const points = useMemo(() => (study ? pointsOf(study) : {}), [study]);
  const data = {
    ...points,
    ...(roads.data ? { roads: roads.data as unknown as FeatureCollection } : {}),
    ...(places.data ? { places: places.data as unknown as FeatureCollection } : {}),
  };
  return (
    <section className="siting__map map-area" aria-label={t("siting.map")}>
      <RoadMap
        data={data}
        attribution={study?.attribution || region.attribution}
        label={t("siting.map")}
        routeColors={NO_COLORS}
        selectedRoute={study ? "new" : null}
        selectedStop={chosen}
        frameKey={`${region.name}/${places.data ? "places" : ""}`}
        onStop={(route, stop) => route === "new" && onChoose(stop)}
      />
      <p className="map-area__over">
        <span className="chip">
          <span className="siting__key" style={{ background: NEW }} /> {t("siting.key_new")}
        </span>
        <span className="chip">
          <span className="siting__key" style={{ background: BEYOND }} /> {t("siting.key_beyond")}
        </span>
      </p>
    </section>
  );
}

function pointsOf(study: Study): { stops: FeatureCollection; sites: FeatureCollection; areas: FeatureCollection } {
  const fresh = study.sites.filter((one) => !one.existing);
  const standing = study.sites.filter((one) => one.existing);
  const numbered = fresh.map((one, index) => point(one, { route_id: "new", stop_id: one.id, color: NEW, position: index + 1 }));
  return {
    stops: collection(numbered),
    sites: collection(standing.map((one) => point(one, { kind: "kiosk", name: one.name }))),
    areas: collection(study.beyondPoints.map(disc)),
  };
}

const DISC_M = 900;
const METRES_PER_DEGREE = 111_320;
const CORNERS = 24;

/** A disc on the ground around a place that no kiosk reaches: seen from afar, out of the way close by. */
function disc(place: Feature): Feature {
  const [lon = 0, lat = 0] = place.geometry.type === "Point" ? place.geometry.coordinates : [];
  const ring = Array.from({ length: CORNERS + 1 }, (_, index) => {
    const angle = (2 * Math.PI * index) / CORNERS;
    const east = (DISC_M * Math.cos(angle)) / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
    return [lon + east, lat + (DISC_M * Math.sin(angle)) / METRES_PER_DEGREE];
  });
  return { type: "Feature", geometry: { type: "Polygon", coordinates: [ring] }, properties: { color: BEYOND } };
}

const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });

function point(site: StudySite, properties: Record<string, unknown>): Feature {
  return { type: "Feature", geometry: { type: "Point", coordinates: [site.lon, site.lat] }, properties };
}
