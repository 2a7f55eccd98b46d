/**
 * The map's own style: the network we route on, townships, places, routes. No tiles, glyphs or sprites, so nothing
 * is fetched from anywhere but our server; text is drawn with the reader's fonts (maps.md section 10).
 */

import type { ExpressionSpecification, LineLayerSpecification, StyleSpecification, SymbolLayerSpecification } from "maplibre-gl";
import type { FeatureCollection } from "geojson";

export const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

export const LAND = "#f3f1ea";
const FONT = ["Inter Variable", "Noto Sans CJK SC", "sans-serif"];
const HALO = "#fbfaf6";

const MAIN = ["motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link"];
const MIDDLE = ["secondary", "secondary_link", "tertiary", "tertiary_link"];

const isOf = (classes: string[]): ExpressionSpecification => ["in", ["get", "class"], ["literal", classes]];

/** Width that grows with the zoom: `[zoom, pixels]` pairs. */
const byZoom = (...pairs: [number, number][]): ExpressionSpecification => [
  "interpolate",
  ["exponential", 1.5],
  ["zoom"],
  ...pairs.flat(),
] as ExpressionSpecification;

export const SOURCES = ["townships", "roads", "places", "areas", "before", "routes", "after", "stops", "sites", "depot"] as const;
export type SourceName = (typeof SOURCES)[number];

function siteLayer(id: string, kinds: string[], minzoom: number): SymbolLayerSpecification {
  return {
    id,
    type: "symbol",
    source: "sites",
    minzoom,
    filter: ["in", ["get", "kind"], ["literal", kinds]],
    layout: {
      "icon-image": ["concat", "site-", ["get", "kind"]],
      "icon-size": byZoom([8, 0.5], [12, 0.8], [15, 1.1]),
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
    },
  };
}

const DASHES = { solid: null, dashed: [3, 1.6], dotted: [0.6, 1.5] } as const;

/** Layers of routes' lines, one for each dash, because a layer has one dash. */
export const ROUTE_LINES = Object.keys(DASHES) as (keyof typeof DASHES)[];
export const routeLayer = (dash: keyof typeof DASHES) => `route-line-${dash}`;

function routeLine(dash: keyof typeof DASHES): LineLayerSpecification {
  const dashes = DASHES[dash];
  return {
    id: routeLayer(dash),
    type: "line",
    source: "routes",
    filter: ["==", ["coalesce", ["get", "dash"], "solid"], dash],
    layout: { "line-cap": dashes ? "butt" : "round", "line-join": "round" },
    paint: {
      "line-color": ["get", "color"],
      "line-width": byZoom([8, 1.6], [12, 3], [16, 6]),
      "line-opacity": 0.9,
      ...(dashes ? { "line-dasharray": [...dashes] } : {}),
    },
  };
}

export function mapStyle(): StyleSpecification {
  return {
    version: 8,
    sources: Object.fromEntries(
      SOURCES.map((name) => [name, { type: "geojson" as const, data: NOTHING, tolerance: name === "roads" ? 0.4 : 0.3 }]),
    ),
    layers: [
      { id: "land", type: "background", paint: { "background-color": LAND } },
      {
        id: "township-line",
        type: "line",
        source: "townships",
        filter: ["!=", ["geometry-type"], "Point"],
        paint: { "line-color": "#b9b3a2", "line-width": 1, "line-dasharray": [4, 3] },
      },
      {
        id: "area-fill",
        type: "fill",
        source: "areas",
        paint: { "fill-color": ["get", "color"], "fill-opacity": 0.28 },
      },
      {
        id: "road-minor",
        type: "line",
        source: "roads",
        filter: ["!", isOf([...MAIN, ...MIDDLE])],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-color": "#d2ccbb",
          "line-width": byZoom([8, 0.5], [11, 1.1], [14, 2.8], [17, 8]),
        },
      },
      {
        id: "road-middle",
        type: "line",
        source: "roads",
        filter: isOf(MIDDLE),
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": "#bfb69f", "line-width": byZoom([8, 0.8], [11, 1.7], [14, 4], [17, 12]) },
      },
      {
        id: "road-main",
        type: "line",
        source: "roads",
        filter: isOf(MAIN),
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": "#d8b676", "line-width": byZoom([8, 1.2], [11, 2.4], [14, 5.5], [17, 15]) },
      },
      {
        id: "place-dot",
        type: "circle",
        source: "places",
        minzoom: 9.5,
        paint: { "circle-radius": byZoom([9, 1], [13, 2.5]), "circle-color": "#8d8778" },
      },
      {
        id: "route-casing",
        type: "line",
        source: "routes",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": "#ffffff", "line-width": byZoom([8, 3], [12, 5.4], [16, 10]), "line-opacity": 0.85 },
      },
      ...ROUTE_LINES.map((dash) => routeLine(dash)),
      {
        id: "before-line",
        type: "line",
        source: "before",
        layout: { "line-cap": "butt", "line-join": "round" },
        paint: { "line-color": "#4a554f", "line-width": byZoom([8, 1.6], [12, 2.6], [16, 5]), "line-dasharray": [1.6, 1.6] },
      },
      {
        id: "after-casing",
        type: "line",
        source: "after",
        filter: ["!=", ["geometry-type"], "Point"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": "#ffffff", "line-width": byZoom([8, 4.6], [12, 8], [16, 14]) },
      },
      {
        id: "after-line",
        type: "line",
        source: "after",
        filter: ["!=", ["geometry-type"], "Point"],
        layout: { "line-cap": "round", "line-join": "round" },
        paint: { "line-color": "#0a7a4f", "line-width": byZoom([8, 2.6], [12, 4.6], [16, 8]) },
      },
      {
        id: "stop-dot",
        type: "circle",
        source: "stops",
        paint: {
          "circle-radius": byZoom([8, 1.6], [12, 3.6], [16, 7]),
          "circle-color": ["get", "color"],
          "circle-stroke-color": "#ffffff",
          "circle-stroke-width": byZoom([9, 0.4], [13, 1.2]),
        },
      },
      {
        id: "after-ring",
        type: "circle",
        source: "after",
        filter: ["==", ["geometry-type"], "Point"],
        paint: {
          "circle-radius": byZoom([8, 6], [12, 11], [16, 15]),
          "circle-color": "rgba(0,0,0,0)",
          "circle-stroke-color": "#0a7a4f",
          "circle-stroke-width": 2.6,
        },
      },
      {
        id: "place-name",
        type: "symbol",
        source: "places",
        minzoom: 11,
        layout: {
          "text-field": ["get", "name"],
          "text-font": FONT,
          "text-size": byZoom([11, 11], [15, 13]),
          "text-offset": [0, 0.9],
          "text-anchor": "top",
          "text-padding": 6,
          "text-optional": true,
        },
        paint: { "text-color": "#5c574b", "text-halo-color": HALO, "text-halo-width": 1.4 },
      },
      {
        id: "township-name",
        type: "symbol",
        source: "townships",
        filter: ["==", ["geometry-type"], "Point"],
        layout: {
          "text-field": ["get", "name"],
          "text-font": FONT,
          "text-size": byZoom([8, 12], [12, 15]),
          "text-anchor": "bottom",
          "text-offset": [0, -0.6],
          "text-padding": 4,
        },
        paint: { "text-color": "#37332a", "text-halo-color": HALO, "text-halo-width": 1.8 },
      },
      siteLayer("site-kiosk", ["kiosk"], 8.5),
      // Most villages have a cabinet or station: only close by do they tell something.
      siteLayer("site-other", ["station", "cabinet"], 11.5),
      {
        id: "stop-number",
        type: "symbol",
        source: "stops",
        filter: ["==", ["get", "route_id"], ""],
        layout: {
          "text-field": ["to-string", ["get", "position"]],
          "text-font": FONT,
          "text-size": 10,
          "text-padding": 0,
          "symbol-sort-key": ["get", "position"],
        },
        paint: { "text-color": "#ffffff" },
      },
      {
        id: "route-number",
        type: "symbol",
        source: "routes",
        filter: ["==", ["geometry-type"], "Point"],
        layout: {
          "icon-image": ["concat", "route-", ["to-string", ["get", "number"]]],
          "icon-size": 0.9,
          "icon-allow-overlap": true,
          "icon-ignore-placement": true,
        },
      },
      {
        id: "depot-mark",
        type: "symbol",
        source: "depot",
        layout: { "icon-image": "depot", "icon-allow-overlap": true, "icon-ignore-placement": true },
      },
    ],
  };
}
