import "./modes.css";

import { useCallback, useState } from "react";

import { answered, api, newRequestKey } from "../../api/client";
import { asProblem, explain, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import type { Operation, Region } from "../../api/types";
import { formatCount, formatHours, formatKm, formatYuan } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import { PlanRun } from "../PlanRun";
import { Bars } from "./Bars";
import { readComparison, type Comparison, type Figures } from "./comparison";
import { MixMap } from "./MixMap";

type Order = components["schemas"]["CompareOrder"];

/** How parcels of several companies could be delivered: each mode, today's way and the best mix, side by side. */
export function Modes({ region, day }: { region: Region; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const [last, keep] = useLastOperation(region.name);
  const [running, setRunning] = useState<string | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const kept = useResource(last && running === null ? `modes/${last}` : null, (signal) =>
    answered(api.GET("/api/v1/operations/{operation_id}", { params: { path: { operation_id: last ?? "" } }, signal })),
  );
  const found = readComparison(kept.data?.result);

  async function start(order: Order) {
    setProblem(null);
    const params = { header: { "Idempotency-Key": newRequestKey() } };
    await answered(api.POST("/api/v1/modes:compare", { body: order, params })).then(
      (operation) => setRunning(operation.id),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }

  const ended = useCallback(
    (operation: Operation | null, failed: ProblemBody | null) => {
      setRunning(null);
      setProblem(failed);
      if (operation?.result) keep(operation.id);
    },
    [keep],
  );

  return (
    <main className="modes" aria-busy={kept.loading}>
      <h1>{t("modes.title")}</h1>
      <p className="muted">{t("modes.help")}</p>
      <Form region={region.name} day={day} busy={running !== null} onStart={(order) => void start(order)} />
      {running !== null && <PlanRun operationId={running} onEnd={ended} />}
      {problem && (
        <p className="notice notice--danger" role="alert">
          {explain(problem, language)}
        </p>
      )}
      {!found && running === null && !kept.loading && <p className="empty">{t("modes.none")}</p>}
      {found && <Found found={found} />}
    </main>
  );
}

/** The last comparison of this region that this browser started, so that a reload does not lose it. */
function useLastOperation(region: string): [string | null, (id: string) => void] {
  const key = `cunda-modes/${region}`;
  const [id, setId] = useState(() => window.sessionStorage.getItem(key));
  const keep = useCallback(
    (next: string) => {
      window.sessionStorage.setItem(key, next);
      setId(next);
    },
    [key],
  );
  return [id, keep];
}

const NUMBERS = [
  ["days", 20, 60],
  ["parcels", 3000, 20_000],
  ["companies", 5, 8],
] as const;

function Form({ region, day, busy, onStart }: { region: string; day: string; busy: boolean; onStart(order: Order): void }) {
  const { t } = useLanguage();
  const [numbers, setNumbers] = useState<Record<string, number>>(Object.fromEntries(NUMBERS.map(([name, usual]) => [name, usual])));
  return (
    <form
      className="modes__form"
      onSubmit={(event) => {
        event.preventDefault();
        const { days = 20, parcels = 3000, companies = 5 } = numbers;
        onStart({ region, first_day: day, days, parcels, companies, seed: 1, iterations: 10_000, processes: 2, rule: "shapley" });
      }}
    >
      {NUMBERS.map(([name, , most]) => (
        <label key={name}>
          {t(`modes.${name}`)}
          <input
            className="input"
            type="number"
            min={1}
            max={most}
            required
            value={numbers[name]}
            onChange={(event) => setNumbers((before) => ({ ...before, [name]: event.target.valueAsNumber }))}
          />
        </label>
      ))}
      <button type="submit" className="button button--primary" disabled={busy}>
        {t("modes.start")}
      </button>
    </form>
  );
}

function Found({ found }: { found: Comparison }) {
  const { t, find } = useLanguage();
  return (
    <>
      <p className="muted num">
        {t("modes.of", { days: found.days.length, first: found.days[0] ?? "", companies: found.companies.length, seed: String(found.seed) })}
      </p>
      <Bars found={found} />
      <WaysTable found={found} />
      {found.best_mix.length > 0 && <MixMap found={found} />}
      <CompaniesTable found={found} />
      <section>
        <h2>{t("modes.assumptions")}</h2>
        <ul className="modes__assumptions">
          {found.assumptions.map((one) => (
            <li key={one.code}>{find(`modes.assume_${one.code}`, one.params) ?? one.text}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

type Column = "cost" | "fees" | "commissions" | "km" | "hours" | "vehicles" | "on_time" | "per_stop" | "co2" | "villages";

function WaysTable({ found }: { found: Comparison }) {
  const { t, language } = useLanguage();
  const columns: [Column, (one: Figures) => string][] = [
    ["cost", (one) => formatYuan(one.cost_fen, language, true)],
    ["fees", (one) => formatYuan(one.fees_fen, language, true)],
    ["commissions", (one) => formatYuan(one.commissions_fen, language, true)],
    ["km", (one) => formatKm(one.distance_m, language)],
    ["hours", (one) => formatHours(one.duration_s, language)],
    ["vehicles", (one) => decimal(one.vehicles_a_day)],
    ["on_time", (one) => percent(one.on_time_share)],
    ["per_stop", (one) => decimal(one.parcels_per_stop)],
    ["co2", (one) => formatCount(Math.round(one.co2_g / 1000), language)],
    ["villages", (one) => `${formatCount(one.villages_reached, language)} / ${formatCount(one.villages_due, language)}`],
  ];
  return (
    <div className="modes__scroll" tabIndex={0} role="region" aria-label={t("modes.table")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("modes.way")}</th>
            {columns.map(([name]) => (
              <th key={name} scope="col" className="num">
                {t(`modes.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.scenarios.map((one) => (
            <tr key={one.id} data-way={one.id}>
              <th scope="row">{t(`modes.way_${one.id}`)}</th>
              {columns.map(([name, show]) => (
                <td key={name} className="num">
                  {show(one.total)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CompaniesTable({ found }: { found: Comparison }) {
  const { t, language } = useLanguage();
  const ways = found.scenarios.filter((one) => one.id !== "separate");
  const separate = found.scenarios.find((one) => one.id === "separate");
  return (
    <section>
      <h2>{t("modes.gains")}</h2>
      <div className="modes__scroll" tabIndex={0} role="region" aria-label={t("modes.gains")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("modes.company")}</th>
              <th scope="col" className="num">
                {t("modes.parcels_in_all")}
              </th>
              <th scope="col" className="num">
                {t("modes.way_separate")}
              </th>
              {ways.map((one) => (
                <th key={one.id} scope="col" className="num">
                  {t(`modes.way_${one.id}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.companies.map((company) => (
              <tr key={company} data-company={company}>
                <th scope="row">{company}</th>
                <td className="num">{formatCount(separate?.companies[company]?.parcels ?? 0, language)}</td>
                <td className="num">{formatYuan(separate?.companies[company]?.cost_fen ?? 0, language, true)}</td>
                {ways.map((one) => {
                  const own = one.companies[company];
                  return (
                    <td key={one.id} className="num">
                      {own && formatYuan(own.cost_fen, language, true)}{" "}
                      {own?.gain_fen !== undefined && <small>{t("modes.gain", { yuan: formatYuan(own.gain_fen, language, true) })}</small>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const decimal = (value: number | null) => (value === null ? "–" : value.toFixed(1));
const percent = (value: number | null) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);
