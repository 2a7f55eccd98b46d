import type { Feature, FeatureCollection } from "geojson";
import { AttributionControl, LngLatBounds, Map as MapLibreMap, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource, MapLayerMouseEvent } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import { useEffect, useRef, useState } from "react";

import { addMarks, addRouteMark } from "./marks";
import { mapStyle, NOTHING, ROUTE_LINES, routeLayer, SOURCES, type SourceName } from "./style";

setWorkerUrl(workerUrl);

const IDEOGRAPHS = "'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif";
const MARGIN = { top: 56, bottom: 36, left: 44, right: 56 };

export type MapData = Partial<Record<SourceName, FeatureCollection>>;

export interface RoadMapProps {
  data: MapData;
  /** Plain text, shown wherever the map shows. */
  attribution: string;
  label: string;
  routeColors: ReadonlyMap<number, string>;
  selectedRoute: string | null;
  selectedStop: string | null;
  /** What to bring into view when this text changes. */
  frameKey: string;
  onRoute?(routeId: string | null): void;
  onStop?(routeId: string, stopId: string): void;
  /** Told when the browser cannot draw maps; the lists stay complete without one (WEB-11). */
  onUnavailable?(): void;
}

/** The region on a map: its roads, places, sites, and the day's routes. */
export function RoadMap(props: RoadMapProps) {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<MapLibreMap | null>(null);
  const [ready, setReady] = useState(false);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const container = holder.current;
    if (!container) return;
    let map: MapLibreMap;
    try {
      map = new MapLibreMap({
        container,
        style: mapStyle(),
        attributionControl: false,
        localIdeographFontFamily: IDEOGRAPHS,
        dragRotate: false,
        pitchWithRotate: false,
        center: [0, 0],
        zoom: 1,
      });
    } catch {
      latest.current.onUnavailable?.();
      return;
    }
    drawn.current = map;
    map.touchZoomRotate.disableRotation();
    map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
    map.on("load", () => {
      addMarks(map);
      listenTo(map, latest);
      setReady(true);
    });
    const resized = new ResizeObserver(() => map.resize());
    resized.observe(container);
    return () => {
      resized.disconnect();
      map.remove();
      drawn.current = null;
    };
  }, []);

  useAttribution(drawn, ready, props.attribution);
  for (const name of SOURCES) useSourceData(drawn, ready, name, props.data[name]);
  useRouteMarks(drawn, ready, props.routeColors);
  useSelection(drawn, ready, props.selectedRoute, props.selectedStop);
  useFrame(drawn, ready, props);

  return <div className="map" ref={holder} role="region" aria-label={props.label} data-ready={ready} />;
}

type MapRef = React.RefObject<MapLibreMap | null>;

function useAttribution(drawn: MapRef, ready: boolean, text: string) {
  useEffect(() => {
    const map = drawn.current;
    if (!map || !ready || text === "") return;
    const control = new AttributionControl({ compact: false, customAttribution: escapeHtml(text) });
    map.addControl(control, "bottom-right");
    return () => {
      if (drawn.current) map.removeControl(control);
    };
  }, [drawn, ready, text]);
}

function useSourceData(drawn: MapRef, ready: boolean, name: SourceName, data: FeatureCollection | undefined) {
  useEffect(() => {
    if (!ready) return;
    const source = drawn.current?.getSource<GeoJSONSource>(name);
    void source?.setData(data ?? NOTHING);
  }, [drawn, ready, name, data]);
}

function useRouteMarks(drawn: MapRef, ready: boolean, colors: ReadonlyMap<number, string>) {
  useEffect(() => {
    const map = drawn.current;
    if (!map || !ready) return;
    for (const [number, color] of colors) addRouteMark(map, number, color);
  }, [drawn, ready, colors]);
}

function useSelection(drawn: MapRef, ready: boolean, route: string | null, stop: string | null) {
  useEffect(() => {
    const map = drawn.current;
    if (!map || !ready) return;
    const of = ["==", ["get", "route_id"], route ?? ""] as const;
    const ofStop = ["==", ["get", "stop_id"], stop ?? ""] as const;
    const dim = (chosen: number, others: number, none: number) =>
      route === null ? none : (["case", [...of], chosen, others] as never);
    for (const dash of ROUTE_LINES) {
      map.setPaintProperty(routeLayer(dash), "line-opacity", dim(1, 0.16, 0.9));
      map.setLayoutProperty(routeLayer(dash), "line-sort-key", ["case", [...of], 1, 0] as never);
    }
    map.setPaintProperty("route-casing", "line-opacity", dim(1, 0, 0.85));
    map.setPaintProperty("stop-dot", "circle-opacity", dim(1, 0.15, 1));
    map.setPaintProperty("stop-dot", "circle-stroke-opacity", dim(1, 0, 1));
    map.setPaintProperty("route-number", "icon-opacity", dim(1, 0.25, 1));
    map.setLayoutProperty("stop-dot", "circle-sort-key", ["case", [...of], 1, 0] as never);
    map.setFilter("stop-number", route === null ? ["==", ["get", "route_id"], ""] : ([...of] as never));
    map.setPaintProperty(
      "stop-dot",
      "circle-radius",
      route === null
        ? ["interpolate", ["exponential", 1.5], ["zoom"], 8, 1.6, 12, 3.6, 16, 7]
        : (["case", [...ofStop], 12, [...of], 8, 2.5] as never),
    );
  }, [drawn, ready, route, stop]);
}

function useFrame(drawn: MapRef, ready: boolean, props: RoadMapProps) {
  const framed = useRef("");
  const hasSomething = SOURCES.some((name) => (props.data[name]?.features.length ?? 0) > 0);
  useEffect(() => {
    const map = drawn.current;
    if (!map || !ready || !hasSomething || framed.current === props.frameKey) return;
    const bounds = boundsOf(props.data);
    if (!bounds) return;
    map.fitBounds(bounds, { padding: MARGIN, animate: false, maxZoom: 14 });
    framed.current = props.frameKey;
  }, [drawn, ready, hasSomething, props.frameKey, props.data]);

  useEffect(() => {
    const map = drawn.current;
    if (!map || !ready || props.selectedRoute === null) return;
    map.resize(); // the details that open beside the map have just narrowed it
    const stop = boundsWhere(props.data, ["stops"], "stop_id", props.selectedStop);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (stop) {
      if (!map.getBounds().contains(stop.getCenter())) map.easeTo({ center: stop.getCenter(), animate: !calm });
      return;
    }
    const route = boundsWhere(props.data, ["routes", "stops"], "route_id", props.selectedRoute);
    if (route) map.fitBounds(route, { padding: MARGIN, maxZoom: 13.5, duration: calm ? 0 : 500 });
    // Only another selection moves the map; new data under a reader's eyes do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [ready, props.selectedRoute, props.selectedStop]);
}

function listenTo(map: MapLibreMap, latest: React.RefObject<RoadMapProps>) {
  const lines = ["route-number", ...ROUTE_LINES.map(routeLayer)];
  const layers = ["stop-dot", ...lines];
  const textOf = (event: MapLayerMouseEvent, name: string) => {
    const value: unknown = event.features?.[0]?.properties[name];
    return typeof value === "string" ? value : null;
  };
  let handled: unknown = null;
  map.on("click", "stop-dot", (event) => {
    const route = textOf(event, "route_id");
    const stop = textOf(event, "stop_id");
    if (route !== null && stop !== null) latest.current.onStop?.(route, stop);
    handled = event.originalEvent;
  });
  for (const layer of lines) {
    map.on("click", layer, (event) => {
      if (handled === event.originalEvent) return;
      handled = event.originalEvent;
      latest.current.onRoute?.(textOf(event, "route_id"));
    });
  }
  map.on("click", (event) => {
    if (handled !== event.originalEvent) latest.current.onRoute?.(null);
  });
  for (const layer of layers) {
    map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
  }
}

function boundsOf(data: MapData): LngLatBounds | null {
  const bounds = new LngLatBounds();
  for (const name of ["routes", "places", "roads", "depot"] as const) {
    for (const feature of data[name]?.features ?? []) extend(bounds, feature);
    if (!bounds.isEmpty() && name !== "depot") break;
  }
  return bounds.isEmpty() ? null : bounds;
}

/** Bounds of the features whose property has a value, null when there are none. */
function boundsWhere(data: MapData, sources: readonly SourceName[], property: string, value: string | null): LngLatBounds | null {
  const bounds = new LngLatBounds();
  for (const name of sources) {
    for (const feature of data[name]?.features ?? []) {
      if (value !== null && feature.properties?.[property] === value) extend(bounds, feature);
    }
  }
  return bounds.isEmpty() ? null : bounds;
}

function extend(bounds: LngLatBounds, feature: Feature): void {
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") bounds.extend(part as [number, number]);
    else part.forEach(visit);
  };
  if (feature.geometry && "coordinates" in feature.geometry) visit(feature.geometry.coordinates);
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
