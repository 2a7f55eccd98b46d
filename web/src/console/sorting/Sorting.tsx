import "./sorting.css";

import { useEffect, useRef, useState } from "react";

import { answered, api } from "../../api/client";
import { asProblem, explain, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import { listenForScans } from "../../courier/scan";
import { signal as sound } from "../../courier/signals";
import { Check, Warning } from "../../design/icons";
import { formatDaySeconds } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";

type Scan = components["schemas"]["ScanView"];
type Plan = components["schemas"]["SortPlanView"];

const KEPT = 12;

/** The sorting table: scan or type a number, see its chute from afar; below, who is sorted where, and what to print. */
export function Sorting({ region, day }: { region: string; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const plan = useResource(`sorting/${region}/${day}`, (abort) =>
    answered(api.GET("/api/v1/sorting/plan", { params: { query: { region, day } }, signal: abort })),
  );
  return (
    <main className="sorting" aria-busy={plan.loading}>
      <Table region={region} day={day} waves={plan.data?.waves ?? 1} />
      {plan.problem && (
        <p className="notice notice--warn" role="alert">
          <Warning />
          {explain(plan.problem, language)}
        </p>
      )}
      {plan.data && <Routes plan={plan.data} region={region} day={day} />}
      {plan.loading && !plan.data && <p className="muted">{t("app.loading")}</p>}
    </main>
  );
}

function Table({ region, day, waves }: { region: string; day: string; waves: number }) {
  const language = useLanguage();
  const { t } = language;
  const field = useRef<HTMLInputElement>(null);
  const [wave, setWave] = useState(1);
  const [loud, setLoud] = useState(false);
  const [scans, setScans] = useState<readonly Scan[]>([]);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const ask = useRef<(code: string) => void>(() => undefined);
  ask.current = (code: string) => {
    const query = { region, day, code: code.trim(), ...(waves > 1 ? { wave } : {}) };
    if (query.code === "") return;
    answered(api.GET("/api/v1/sorting/scan", { params: { query } })).then(
      (found) => {
        setProblem(null);
        setScans((before) => [found, ...before].slice(0, KEPT));
        if (loud) sound(found.go ? "ok" : found.outcome === "already_loaded" ? "duplicate" : "wrong");
      },
      (error: unknown) => setProblem(asProblem(error)),
    );
  };
  useEffect(() => listenForScans((code) => ask.current(code)), []);
  useEffect(() => field.current?.focus(), []);
  const last = scans[0] ?? null;
  return (
    <section className="sorting__table" aria-label={t("sorting.table")}>
      <form
        className="sorting__ask"
        onSubmit={(event) => {
          event.preventDefault();
          ask.current(field.current?.value ?? "");
          if (field.current) field.current.value = "";
        }}
      >
        <label>
          {t("sorting.code")}
          <input ref={field} className="input" name="code" maxLength={80} autoComplete="off" spellCheck={false} />
        </label>
        <button type="submit" className="button button--primary">
          {t("sorting.find")}
        </button>
        {waves > 1 && (
          <label>
            {t("sorting.wave")}
            <select className="input" value={wave} onChange={(event) => setWave(Number(event.target.value))}>
              {Array.from({ length: waves }, (_, index) => (
                <option key={index + 1}>{index + 1}</option>
              ))}
            </select>
          </label>
        )}
        <label className="sorting__sound">
          <input type="checkbox" checked={loud} onChange={(event) => setLoud(event.target.checked)} />
          {t("sorting.sound")}
        </label>
      </form>
      {problem && (
        <p className="notice notice--danger" role="alert">
          {explain(problem, language)}
        </p>
      )}
      <div aria-live="assertive" aria-atomic="true">
        {last ? <Answer found={last} /> : <p className="sorting__wait muted">{t("sorting.wait")}</p>}
      </div>
      {scans.length > 1 && (
        <ol className="sorting__before" aria-label={t("sorting.before")}>
          {scans.slice(1).map((one, index) => (
            <li key={`${one.code}-${index}`} className={one.go ? "" : "sorting__stop"}>
              <span className="num">{one.code}</span> {language.language === "en" ? one.sentence_en : one.sentence_zh}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Answer({ found }: { found: Scan }) {
  const { t, language } = useLanguage();
  const tone = found.go ? (found.outcome === "changed" ? "warn" : "ok") : "stop";
  return (
    <div className={`sorting__answer sorting__answer--${tone}`} data-outcome={found.outcome} data-chute={found.chute}>
      <p className="sorting__chute num">{found.chute || "–"}</p>
      <div>
        <p className="sorting__said">
          {found.go ? <Check /> : <Warning />} {language === "en" ? found.sentence_en : found.sentence_zh}
        </p>
        {found.parcel && (
          <p className="num">
            {t("sorting.where", {
              route: found.parcel.route,
              label: found.parcel.stop_label,
              bag: found.parcel.bag,
              place: found.parcel.stop_name,
            })}
          </p>
        )}
        <p className="num sorting__code">{found.code}</p>
      </div>
    </div>
  );
}

function Routes({ plan, region, day }: { plan: Plan; region: string; day: string }) {
  const { t, language } = useLanguage();
  const file = (form: string) => `/api/v1/sorting/export?${new URLSearchParams({ region, day, form }).toString()}`;
  const manifest = (route: number) =>
    `/api/v1/sorting/manifest?${new URLSearchParams({ region, day, route: String(route), language: language === "en" ? "en" : "zh" }).toString()}`;
  const rows = [...plan.routes].sort((one, other) => one.wave - other.wave || one.chute.localeCompare(other.chute));
  const most = Math.max(1, ...rows.map((route) => route.parcels));
  return (
    <section className="sorting__routes">
      <div className="sorting__head">
        <h1>{t("sorting.title", { version: plan.version_number })}</h1>
        <p className="muted num">{t("sorting.sum", { parcels: plan.parcels, routes: rows.length, waves: plan.waves })}</p>
        <nav aria-label={t("sorting.files")}>
          <a className="button" href={file("pdf")} target="_blank" rel="noreferrer">
            {t("sorting.pdf")}
          </a>{" "}
          <a className="button" href={file("csv")}>
            CSV
          </a>{" "}
          <a className="button" href={file("json")}>
            JSON
          </a>
        </nav>
      </div>
      <div className="sorting__scroll" tabIndex={0} role="region" aria-label={t("sorting.routes")}>
        <table>
          <thead>
            <tr>
              {(["wave", "chute", "route", "vehicle", "leaves", "parcels", "bags", "print"] as const).map((name) => (
                <th key={name} scope="col">
                  {t(`sorting.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((route) => (
              <tr key={route.vehicle_id} data-route={route.number}>
                <td className="num">{route.wave}</td>
                <th scope="row" className="num">
                  {route.chute}
                </th>
                <td className="num">{route.number}</td>
                <td>
                  {route.plate} {route.courier}
                </td>
                <td className="num">{formatDaySeconds(route.start_s)}</td>
                <td className="num sorting__flow">
                  <span style={{ inlineSize: `${(60 * route.parcels) / most}px` }} aria-hidden="true" /> {route.parcels}
                </td>
                <td className="num">{route.bags.length}</td>
                <td>
                  <a href={manifest(route.number)} target="_blank" rel="noreferrer">
                    {t("sorting.manifest")}
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
