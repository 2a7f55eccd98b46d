import type { Feature, FeatureCollection } from "geojson";
import { useCallback, useMemo, useState } from "react";

import { api, answered, newRequestKey } from "../../api/client";
import { asProblem, explain, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { Operation, Region } from "../../api/types";
import { BarChart } from "../../design/BarChart";
import { formatDaySeconds, formatYuan } from "../../i18n/format";
import { useLanguage, type MessageKey } from "../../i18n/language";
import { RoadMap, type MapData } from "../../map/RoadMap";
import { PlanRun } from "../PlanRun";
import "./county.css";

type Kind = "echelons" | "weekdays";

interface Echelons {
  cost_fen: number;
  trunk_cost_fen: number;
  route_cost_fen: number;
  depot_cost_fen: number;
  depots: { id: string; name: string; direct: boolean; stops: number }[];
  routes: { vehicle_type: string; depot: string; start_s: number; end_s: number; distance_m: number; cost_fen: number; stops: string[] }[];
  left_out: { stop: string; name: string; reason: string }[];
  missed_cut_offs: string[];
  map?: FeatureCollection;
}

interface Weekdays {
  version_id: string;
  cost_fen: number;
  saved_percent: number | null;
  days: { day: string; routes: number; villages: number; parcels: number; km: number; hours: number; yuan: string }[];
  unreached: { village: string; name: string; reason: string; weekly_price_fen: number | null }[];
  map?: FeatureCollection;
}

type Made = { kind: "echelons"; result: Echelons } | { kind: "weekdays"; result: Weekdays };

/** What is planned for the whole county: trunk runs with the routes behind them, and the villages' weekdays. */
export function County({ region, day }: { region: Region; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const [running, setRunning] = useState<{ id: string; kind: Kind } | null>(null);
  const [made, setMade] = useState<Made | null>(null);
  const [accepted, setAccepted] = useState(false);
  const [problem, setProblem] = useState<ProblemBody | null>(null);

  const start = async (kind: Kind) => {
    setProblem(null);
    setAccepted(false);
    const params = { header: { "Idempotency-Key": newRequestKey() } };
    try {
      const operation =
        kind === "echelons"
          ? await answered(api.POST("/api/v1/echelons:plan", { body: { region: region.name, day, with_map: true } as never, params }))
          : await answered(api.POST("/api/v1/weekdays:plan", { body: { region: region.name, with_map: true } as never, params }));
      setRunning({ id: operation.id, kind });
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const kind = running?.kind;
  const ended = useCallback(
    (operation: Operation | null, wrong: ProblemBody | null) => {
      setRunning(null);
      setProblem(wrong);
      if (operation?.result && kind) setMade({ kind, result: operation.result } as unknown as Made);
    },
    [kind],
  );
  const accept = async (versionId: string) => {
    try {
      await answered(api.POST("/api/v1/weekdays:accept", { body: { version_id: versionId, reason: "" }, params: { header: { "Idempotency-Key": newRequestKey() } } }));
      setAccepted(true);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };

  return (
    <main className="county" aria-busy={running !== null}>
      <h1>{t("county.title")}</h1>
      <p className="muted">{t("county.help")}</p>
      <div className="county__acts">
        <button type="button" className="button button--primary" disabled={running !== null} onClick={() => void start("echelons")}>{t("county.plan_echelons")}</button>
        <button type="button" className="button button--primary" disabled={running !== null} onClick={() => void start("weekdays")}>{t("county.plan_weekdays")}</button>
      </div>
      {running && <PlanRun operationId={running.id} onEnd={ended} />}
      {problem && <p className="notice notice--danger" role="alert">{explain(problem, language)}</p>}
      {!made && !running && !problem && <p className="empty muted">{t("county.none")}</p>}
      {made && <CountyMap region={region} drawn={made.result.map ?? null} />}
      {made?.kind === "echelons" && <EchelonReport found={made.result} />}
      {made?.kind === "weekdays" && (
        <>
          <WeekReport found={made.result} />
          <p>
            <button type="button" className="button button--primary" disabled={accepted} onClick={() => void accept(made.result.version_id)}>{t(accepted ? "county.accepted" : "county.accept")}</button>
          </p>
        </>
      )}
    </main>
  );
}

const VILLAGES = "villages";
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** What the colours of villages mean: the weekdays on which they are served. */
function patternsOf(drawn: FeatureCollection | null): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const { properties } of drawn?.features ?? []) {
    if (properties?.["kind"] === "village" && Array.isArray(properties["days"])) found.set(String(properties["colour"]), properties["days"] as number[]);
  }
  return found;
}

const NO_COLORS: ReadonlyMap<number, string> = new Map();

/** A report's own map over the county's roads. */
function CountyMap({ region, drawn }: { region: Region; drawn: FeatureCollection | null }) {
  const { t } = useLanguage();
  const path = { region: region.name };
  const roads = useResource(region.source === "geodesic" ? null : `roads/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/regions/{region}/roads", { params: { path }, signal })),
  );
  const data = useMemo<MapData>(() => {
    const marked = (drawn?.features ?? []).map((one): Feature => ({
      ...one,
      properties: { ...one.properties, route_id: one.properties?.["kind"] === "village" ? VILLAGES : one.properties?.["label"], stop_id: one.properties?.["key"], color: one.properties?.["colour"], dash: one.properties?.["kind"] === "run" ? "dashed" : "solid" },
    }));
    const of = (points: boolean): FeatureCollection => ({ type: "FeatureCollection", features: marked.filter((one) => (one.geometry.type === "Point") === points) });
    return { routes: of(false), stops: of(true), ...(roads.data ? { roads: roads.data as unknown as FeatureCollection } : {}) };
  }, [drawn, roads.data]);
  const patterns = useMemo(() => patternsOf(drawn), [drawn]);
  return (
    <div className="map-area county__map">
      <RoadMap data={data} attribution={region.attribution} label={t("map.title")} routeColors={NO_COLORS} selectedRoute={patterns.size > 0 ? VILLAGES : null} selectedStop={null} frameKey={`${region.name}/${drawn ? "drawn" : ""}/${roads.data ? 1 : 0}`} />
      <ul className="map-area__over">
        {[...patterns].map(([color, days]) => (
          <li key={color} className="chip"><i className="county__key" style={{ background: color }} />{days.map((day) => t(`county.day.${DAYS[day] ?? "Mon"}`)).join(" ")}</li>
        ))}
      </ul>
    </div>
  );
}

function EchelonReport({ found }: { found: Echelons }) {
  const { t, find, language } = useLanguage();
  const yuan = (fen: number) => formatYuan(fen, language, true);
  const name = (id: string) => found.depots.find((one) => one.id === id)?.name || id;
  const terms = (["trunk", "route", "depot"] as const).map((term) => {
    const fen = found[`${term}_cost_fen`];
    return { label: t(`county.${term}`), value: fen, text: yuan(fen) };
  });
  return (
    <section className="county__report" data-report="echelons">
      <h2>{t("county.echelons", { cost: yuan(found.cost_fen) })}</h2>
      <div className="county__charts">
        <BarChart title={t("county.cost_terms")} bars={terms} />
        <BarChart title={t("county.stops_by_depot")} bars={found.depots.map((one) => ({ label: one.name || one.id, value: one.stops, text: String(one.stops) }))} color="#a35b00" />
      </div>
      {found.missed_cut_offs.length > 0 && <p className="notice notice--warn">{t("county.cut_offs", { names: found.missed_cut_offs.join(", ") })}</p>}
      <Table columns={["depot", "vehicle", "stops", "leaves", "back", "km", "cost"]} rows={found.routes.map((one) => [name(one.depot), one.vehicle_type, one.stops.length, formatDaySeconds(one.start_s), formatDaySeconds(one.end_s), Math.round(one.distance_m / 1000), yuan(one.cost_fen)])} />
      {found.left_out.length > 0 && <Table columns={["village", "reason"]} rows={found.left_out.map((one) => [one.name, find(`reason.${one.reason}`) ?? one.reason])} />}
    </section>
  );
}

function WeekReport({ found }: { found: Weekdays }) {
  const { t, find, language } = useLanguage();
  const day = (name: string) => find(`county.day.${name}`) ?? name;
  const bars = (of: (one: Weekdays["days"][number]) => number) => found.days.map((one) => ({ label: day(one.day), value: of(one), text: String(of(one)) }));
  return (
    <section className="county__report" data-report="weekdays">
      <h2>{t("county.week", { cost: formatYuan(found.cost_fen, language, true), saved: found.saved_percent ?? "–" })}</h2>
      <div className="county__charts">
        <BarChart title={t("county.parcels")} bars={bars((one) => one.parcels)} />
        <BarChart title={t("county.hours")} bars={bars((one) => one.hours)} color="#a35b00" />
      </div>
      <Table columns={["day", "routes", "villages", "parcels", "km", "hours", "cost"]} rows={found.days.map((one) => [day(one.day), one.routes, one.villages, one.parcels, one.km, one.hours, one.yuan])} />
      <h2>{t("county.unreached")}</h2>
      {found.unreached.length === 0 ? (
        <p>{t("county.all_reached")}</p>
      ) : (
        <Table columns={["village", "reason", "price"]} rows={found.unreached.map((one) => [one.name, find(`reason.${one.reason}`) ?? one.reason, one.weekly_price_fen === null ? "–" : formatYuan(one.weekly_price_fen, language, true)])} />
      )}
    </section>
  );
}

function Table({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly (string | number)[])[] }) {
  const { t } = useLanguage();
  return (
    <div className="activity__scroll" tabIndex={0} role="region" aria-label={t("county.title")}>
      <table className="activity__table answers__table num">
        <thead>
          <tr>{columns.map((one) => <th key={one} scope="col">{t(`county.${one}` as MessageKey)}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>{row.map((cell, place) => (place === 0 ? <th key={place} scope="row">{cell}</th> : <td key={place}>{cell}</td>))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
