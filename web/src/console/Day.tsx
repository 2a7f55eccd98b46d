import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { asProblem, explain, type ProblemBody } from "../api/problem";
import type { Operation, Region } from "../api/types";
import { Check, ChevronDown, ChevronUp, Close, Warning } from "../design/icons";
import { useLanguage } from "../i18n/language";
import { RoadMap, type MapData } from "../map/RoadMap";
import { routeColor, routeDash } from "./colors";
import { depotFeatures, NO_STOPS, routeFeatures, stopPoints, type DayPlan, type PlannedStop } from "./day";
import { Feed } from "./Feed";
import { Kpis } from "./Kpis";
import { ParcelAnswer } from "./ParcelSearch";
import type { Place } from "./place";
import { loadStopParcels } from "./parcels";
import { publish, startPlanning } from "./plan";
import { PlanRun } from "./PlanRun";
import { RouteDetail } from "./RouteDetail";
import { RouteList } from "./RouteList";
import { Timeline } from "./Timeline";
import { Unassigned } from "./Unassigned";
import { useDay } from "./useDay";

type Tab = "routes" | "unassigned" | "feed";
const TABS: readonly Tab[] = ["routes", "unassigned", "feed"];

export interface DayProps {
  region: Region;
  day: string;
  place: Place;
  go(change: Partial<Place>): void;
  head(children: ReactNode): ReactNode;
  searched: string | null;
  onSearched(key: string | null): void;
}

const NO_CONTENTS: DayPlan["contents"] = new Map();

interface Message {
  tone: "good" | "danger";
  text: string;
}

/** One region's day: figures, lists, map and timeline, which share what is selected. */
export function Day({ region, day, place, go, head, searched, onSearched }: DayProps) {
  const language = useLanguage();
  const { t } = language;
  const data = useDay(region, day);
  const { plan } = data;
  const [tab, setTab] = useState<Tab>("routes");
  const [timeline, setTimeline] = useState(true);
  const [running, setRunning] = useState<string | null>(null);
  const [publishing, setPublishing] = useState(false);
  const [message, setMessage] = useState<Message | null>(null);
  const [mapless, setMapless] = useState(false);

  const closeMessage = useCallback(() => setMessage(null), []);

  const route = plan?.routes.find((one) => one.id === place.route) ?? null;
  const chooseRoute = useCallback((id: string | null) => go({ route: id, stop: null }), [go]);
  const chooseStop = useCallback((routeId: string, stopId: string | null) => go({ route: routeId, stop: stopId }), [go]);
  const fail = useCallback(
    (problem: ProblemBody) => setMessage({ tone: "danger", text: explain(problem, language) }),
    [language],
  );
  const loadParcels = useCallback(
    (stop: PlannedStop, signal: AbortSignal) => loadStopParcels(region.name, day, stop, signal),
    [region.name, day],
  );
  const mapData = useMapData(plan, region, data);
  const colors = useMemo(() => new Map(plan?.routes.map((one) => [one.number, routeColor(one.number)])), [plan]);

  async function startPlan() {
    setMessage(null);
    try {
      setRunning(await startPlanning(region.name, day));
    } catch (error) {
      fail(asProblem(error));
    }
  }

  const { reload } = data;
  const latestFail = useRef(fail);
  latestFail.current = fail;
  const planEnded = useCallback(
    (_operation: Operation | null, problem: ProblemBody | null) => {
      setRunning(null);
      if (problem) latestFail.current(problem);
      reload();
    },
    [reload],
  );

  async function publishPlan(current: DayPlan) {
    setPublishing(true);
    setMessage(null);
    try {
      await publish(current.version);
      setMessage({ tone: "good", text: t("head.published_now", { number: current.version.number }) });
    } catch (error) {
      fail(asProblem(error));
    } finally {
      setPublishing(false);
      reload();
    }
  }

  return (
    <div className="console">
      {head(
        <>
          <VersionChip plan={plan} loading={data.loading} />
          <button
            type="button"
            className={plan && !plan.version.published ? "button" : "button button--primary"}
            disabled={running !== null || data.loading}
            onClick={() => void startPlan()}
          >
            {t(plan ? "head.replan" : "head.plan")}
          </button>
          {plan && !plan.version.published && (
            <button
              type="button"
              className="button button--primary"
              disabled={publishing || running !== null}
              onClick={() => void publishPlan(plan)}
            >
              {t(publishing ? "head.publishing" : "head.publish")}
            </button>
          )}
        </>,
      )}
      <div className="strip">
        <Kpis totals={plan?.totals ?? null} />
        {running !== null && <PlanRun operationId={running} onEnd={planEnded} />}
        {data.problem && !plan && (
          <p className="notice notice--danger banner" role="alert">
            <Warning />
            <span className="notice__body">{explain(data.problem, language)}</span>
          </p>
        )}
      </div>
      <main className={route ? "body body--detail" : "body"}>
        <section className="panel">
          <Tabs tab={tab} plan={plan} news={data.feed.length} onTab={setTab} />
          <div className="panel__content" role="tabpanel" aria-label={t(`${tab}.title`)}>
            {tab === "routes" && <RouteList routes={plan?.routes ?? []} contents={plan?.contents ?? NO_CONTENTS} loading={data.loading} selected={place.route} onRoute={chooseRoute} />}
            {tab === "unassigned" && <Unassigned groups={plan?.unassigned ?? []} onParcel={onSearched} />}
            {tab === "feed" && (
              <Feed
                entries={data.feed}
                connected={data.connected}
                zone={region.zone}
                nameParty={data.nameParty}
                onParcel={onSearched}
              />
            )}
          </div>
        </section>
        <div className="map-area">
          <div className="map-area__over">
            {(plan?.version.source ?? region.source) === "geodesic" && (
              <span className="chip chip--warn">
                <Warning />
                {t("map.estimated")}
              </span>
            )}
            {plan?.version.source === "mixed" && (
              <span className="chip chip--warn">
                <Warning />
                {t("map.mixed")}
              </span>
            )}
            {mapless && <span className="chip chip--warn">{t("map.unavailable")}</span>}
          </div>
          <RoadMap
            data={mapData}
            attribution={region.attribution}
            label={t("map.title")}
            routeColors={colors}
            selectedRoute={route?.id ?? null}
            selectedStop={place.stop}
            frameKey={`${region.name}/${plan ? "plan" : "region"}`}
            onRoute={chooseRoute}
            onStop={chooseStop}
            onUnavailable={() => setMapless(true)}
          />
          {message && <Toast message={message} onClose={closeMessage} />}
          {searched !== null && (
            <ParcelAnswer parcelKey={searched} zone={region.zone} nameParty={data.nameParty} onClose={() => onSearched(null)} />
          )}
        </div>
        {route && plan && (
          <RouteDetail
            route={route}
            stops={plan.contents.get(route.id)?.stops ?? NO_STOPS}
            depotName={region.depot.name}
            selectedStop={place.stop}
            loadParcels={loadParcels}
            onStop={chooseStop}
            onClose={() => chooseRoute(null)}
          />
        )}
      </main>
      {plan && (
        <footer className={timeline ? "foot" : "foot foot--closed"}>
          <button
            type="button"
            className="foot__toggle"
            aria-expanded={timeline}
            aria-label={t(timeline ? "timeline.hide" : "timeline.show")}
            title={t(timeline ? "timeline.hide" : "timeline.show")}
            onClick={() => setTimeline(!timeline)}
          >
            {timeline ? <ChevronDown /> : <ChevronUp />}
          </button>
          {timeline && (
            <Timeline
              routes={plan.routes}
              contents={plan.contents}
              selectedRoute={route?.id ?? null}
              selectedStop={place.stop}
              onRoute={chooseRoute}
              onStop={chooseStop}
            />
          )}
        </footer>
      )}
    </div>
  );
}

function useMapData(plan: DayPlan | null, region: Region, data: ReturnType<typeof useDay>): MapData {
  const { roads, places, townships, sites } = data;
  return useMemo<MapData>(() => {
    const { lon, lat } = region.depot;
    const depot: [number, number] | null = lon === null || lat === null ? null : [lon, lat];
    const found: MapData = {};
    if (roads) found.roads = roads;
    if (places) found.places = places;
    if (sites) found.sites = sites;
    found.townships = townships;
    found.depot = depotFeatures(depot);
    if (plan) {
      found.routes = routeFeatures(plan, depot, routeColor, routeDash);
      found.stops = stopPoints(plan, routeColor);
    }
    return found;
  }, [plan, region, roads, places, townships, sites]);
}

function VersionChip({ plan, loading }: { plan: DayPlan | null; loading: boolean }) {
  const { t } = useLanguage();
  if (!plan) return loading ? null : <span className="chip">{t("head.no_plan")}</span>;
  const { published, number } = plan.version;
  return (
    <span className={published ? "chip chip--good" : "chip chip--warn"} data-version={number} data-published={published}>
      {published ? <Check /> : null}
      {t(published ? "head.published" : "head.draft", { number })}
    </span>
  );
}

function Tabs({ tab, plan, news, onTab }: { tab: Tab; plan: DayPlan | null; news: number; onTab(tab: Tab): void }) {
  const { t } = useLanguage();
  const counts: Record<Tab, number | null> = {
    routes: plan?.routes.length ?? null,
    unassigned: plan?.totals.unassigned ?? null,
    feed: news > 0 ? news : null,
  };
  return (
    <div className="tabs" role="tablist" aria-label={t("routes.title")}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          className="tab"
          aria-selected={tab === name}
          tabIndex={tab === name ? 0 : -1}
          onClick={() => onTab(name)}
          onKeyDown={(event) => {
            if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
            const by = event.key === "ArrowRight" ? 1 : TABS.length - 1;
            const next = TABS[(TABS.indexOf(name) + by) % TABS.length] ?? name;
            onTab(next);
            const tabs = event.currentTarget.parentElement?.children;
            (tabs?.[TABS.indexOf(next)] as HTMLElement | undefined)?.focus();
          }}
        >
          {t(`${name}.title`)}
          {counts[name] !== null && (
            <span className={name === "unassigned" && counts[name] > 0 ? "tab__count tab__count--warn num" : "tab__count num"}>
              {counts[name]}
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

const SHOWN_MS = 8_000;

/** What became of an action; good news leaves by itself, bad news stays until it is read. */
function Toast({ message, onClose }: { message: Message; onClose(): void }) {
  const { t } = useLanguage();
  const good = message.tone === "good";
  useEffect(() => {
    if (!good) return;
    const timer = setTimeout(onClose, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [good, message, onClose]);
  return (
    <div className={good ? "notice toast toast--good" : "notice notice--danger toast"} role={good ? "status" : "alert"}>
      {good ? <Check /> : <Warning />}
      <span className="notice__body">{message.text}</span>
      <button type="button" className="button button--quiet" onClick={onClose} aria-label={t("app.close")}>
        <Close />
      </button>
    </div>
  );
}
