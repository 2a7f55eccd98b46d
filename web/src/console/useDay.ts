import type { FeatureCollection } from "geojson";
import { useCallback, useEffect, useMemo, useState } from "react";

import { api, answered } from "../api/client";
import type { ProblemBody } from "../api/problem";
import { useResource } from "../api/resource";
import { sessionFetchUrl } from "../api/session";
import { listen } from "../api/stream";
import type { Fleet, LoggedEvent, Region, RouteFigures, Site } from "../api/types";
import { useLanguage } from "../i18n/language";
import { lateStops, type DayPlan, type RouteContent, type UnassignedGroup } from "./day";
import type { FeedEntry } from "./Feed";
import { loadUnassigned, loadVersion, plannedRoute, type VersionFigures } from "./plan";
import { useContents } from "./useContents";

const FEED_LENGTH = 200;
/** Events come in bursts (a manifest, a fleet of kiosks); one refetch serves a burst. */
const SETTLE_MS = 400;
const BATCH_MS = 150;
/** One per parcel of a manifest; the manifest itself is told as one entry. */
const BY_THE_THOUSAND: ReadonlySet<string> = new Set(["custody.announced"]);

export interface DayData {
  plan: DayPlan | null;
  loading: boolean;
  problem: ProblemBody | null;
  reload(): void;
  roads: FeatureCollection | null;
  places: FeatureCollection | null;
  sites: FeatureCollection;
  townships: FeatureCollection;
  feed: readonly FeedEntry[];
  connected: boolean;
  /** A custodian or place of the ledger, `kind:id`, in the reader's words. */
  nameParty(party: string): string;
}

/** All a day's screen shows, kept up to date by the server's own events. */
export function useDay(region: Region, day: string): DayData {
  const path = { region: region.name };
  const version = useResource(`${region.name}/${day}`, (signal) => loadVersion(region.name, day, signal));
  const roads = useResource(region.source === "geodesic" ? null : `roads/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })),
  );
  const places = useResource(`places/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/places", { params: { path }, signal })),
  );
  const sites = useResource(`sites/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/sites", { params: { query: { region: region.name } }, signal })),
  );
  const fleet = useResource(`fleet/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/fleet", { params: { query: { region: region.name } }, signal })),
  );
  const figures = version.data;
  const contents = useContents(figures?.facts.versionId ?? null, figures?.routes ?? NO_ROUTES);
  const unassigned = useResource(figures ? `unassigned/${figures.facts.versionId}` : null, (signal) =>
    loadUnassigned(figures?.facts.versionId ?? "", signal),
  );
  const live = useFeed(region.name, day, version.reload);
  const townships = useMemo(() => townshipPoints(region), [region]);
  const siteMarks = useMemo(() => sitePoints(sites.data?.items ?? []), [sites.data]);
  const nameParty = useParties(region, sites.data?.items ?? NO_SITES, fleet.data);
  const plan = useMemo(
    () => (figures ? assemble(figures, contents, unassigned.data ?? NO_GROUPS, fleet.data) : null),
    [figures, contents, unassigned.data, fleet.data],
  );
  return {
    plan,
    loading: version.loading,
    problem: version.problem,
    reload: version.reload,
    roads: asGeoJson(roads.data),
    places: asGeoJson(places.data),
    sites: siteMarks,
    townships,
    feed: live.feed,
    connected: live.connected,
    nameParty,
  };
}

const NO_ROUTES: readonly RouteFigures[] = [];
const NO_GROUPS: readonly UnassignedGroup[] = [];

function assemble(
  { facts, summary, routes }: VersionFigures,
  contents: ReadonlyMap<string, RouteContent>,
  unassigned: readonly UnassignedGroup[],
  fleet: Fleet | null,
): DayPlan {
  return {
    version: facts,
    totals: {
      parcelsAssigned: summary.parcels_planned,
      parcelsTotal: summary.parcels_planned + summary.parcels_unassigned,
      unassigned: summary.parcels_unassigned,
      lateStops: routes.reduce((sum, route) => sum + lateStops(contents.get(route.id)?.stops ?? []), 0),
      vehicles: summary.routes,
      stops: summary.stops,
      distanceM: summary.distance_m,
      workingS: summary.duration_s,
      costFen: summary.cost_fen,
    },
    routes: routes.map((route) => plannedRoute(route, fleet)),
    contents,
    unassigned,
  };
}

function asGeoJson(body: unknown): FeatureCollection | null {
  return body === null ? null : (body as FeatureCollection);
}

/** Township seats as points with their names. */
export function townshipPoints(region: Region): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: region.townships
      .filter((township) => township.lon !== null && township.lat !== null)
      .map((township) => ({
        type: "Feature",
        geometry: { type: "Point", coordinates: [township.lon ?? 0, township.lat ?? 0] },
        properties: { id: township.id, name: township.name },
      })),
  };
}

function sitePoints(sites: readonly Site[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: sites.map((site) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [site.lon, site.lat] },
      properties: { id: site.id, name: site.name, kind: site.kind },
    })),
  };
}

/** Listens while the page is open; what changes this day's plan fetches it again. */
function useFeed(region: string, day: string, reload: () => void) {
  const [feed, setFeed] = useState<readonly FeedEntry[]>([]);
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    let settle: ReturnType<typeof setTimeout> | undefined;
    let batch: ReturnType<typeof setTimeout> | undefined;
    let heard: FeedEntry[] = [];
    const refetch = () => {
      clearTimeout(settle);
      settle = setTimeout(reload, SETTLE_MS);
    };
    const tell = (item: FeedEntry) => {
      heard.unshift(item);
      batch ??= setTimeout(() => {
        const fresh = heard;
        heard = [];
        batch = undefined;
        setFeed((before) => [...fresh, ...before].slice(0, FEED_LENGTH));
      }, BATCH_MS);
    };
    void listen({
      url: "/api/v1/stream",
      after: null,
      signal: abort.signal,
      fetch: sessionFetchUrl,
      onState: (state) => setConnected(state === "open"),
      onEvent: (event) => {
        if (event.kind === "reset") {
          refetch();
          return;
        }
        const told = event.data as LoggedEvent;
        if (!concerns(told, region)) return;
        if (told.kind.startsWith("plan.") && (told.body["day"] === undefined || told.body["day"] === day)) refetch();
        if (!BY_THE_THOUSAND.has(told.kind)) {
          tell({ id: String(told.position), kind: kindOf(told), at: told.fact_at, subject: told.subject });
        }
      },
    });
    return () => {
      clearTimeout(settle);
      clearTimeout(batch);
      abort.abort();
    };
  }, [region, day, reload]);
  return { feed, connected };
}

function concerns(event: LoggedEvent, region: string): boolean {
  return event.body["region"] === undefined || event.body["region"] === region;
}

/** An insertion is published like any version; to a dispatcher it is another piece of news. */
function kindOf(event: LoggedEvent): string {
  return event.kind === "plan.published" && event.body["kind"] === "insertion" ? "plan.inserted" : event.kind;
}

const NO_SITES: readonly Site[] = [];

function useParties(region: Region, sites: readonly Site[], fleet: Fleet | null) {
  const { find } = useLanguage();
  const siteNames = useMemo(() => new Map(sites.map((site) => [site.id, site.name])), [sites]);
  return useCallback(
    (party: string) => {
      const [kind = "", id = ""] = party.split(/:(.*)/s);
      if (kind === "courier") return fleet?.couriers.find((one) => one.id === id)?.name ?? id;
      if (kind === "site" || kind === "kiosk" || kind === "station" || kind === "cabinet") return siteNames.get(id) ?? id;
      if (kind === "office") return region.depot.name;
      const word = find(`party.${kind}`);
      return word === undefined ? party : [word, id].filter(Boolean).join(" ");
    },
    [region, siteNames, fleet, find],
  );
}
