import { useState } from "react";

import { api, answered } from "../api/client";
import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import type { components } from "../api/schema";
import { useLanguage } from "../i18n/language";

type Row = components["schemas"]["ActivityRowView"];
type By = "branch" | "scene" | "device";

const BY: readonly By[] = ["branch", "scene", "device"];
const SHARES = ["active_share", "active_share_week", "refusal_rate", "return_share", "uptime"] as const;
const COLUMNS = [
  "installed", "active", "active_share", "active_share_week", "drop_offs", "collected", "hours_median", "hours_p90", "open",
  "oldest_open_hours", "refusal_rate", "return_share", "uptime", "overdue", "sleepers", "wire_faults",
] as const;

/** The day's activity of kiosks and stations (S3): a chart of drop-offs and collections, and every figure in a table. */
export function Activity({ region, day }: { region: string; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const [by, setBy] = useState<By>("branch");
  const report = useResource(`activity/${region}/${day}/${by}`, (signal) =>
    answered(api.GET("/api/v1/activity", { params: { query: { region, day, by } }, signal })),
  );
  const found = report.data;
  return (
    <main className="activity" aria-busy={report.loading}>
      <div className="activity__head">
        <h1>{t("activity.title")}</h1>
        <div role="group" aria-label={t("activity.by")}>
          {BY.map((one) => (
            <button
              key={one}
              type="button"
              className={`button ${one === by ? "button--primary" : ""}`}
              aria-pressed={one === by}
              onClick={() => setBy(one)}
            >
              {t(`activity.by_${one}`)}
            </button>
          ))}
        </div>
        {found && <p className="muted num">{t("activity.as_of", { moment: found.as_of.slice(0, 16).replace("T", " "), version: found.version })}</p>}
      </div>
      {report.problem && (
        <p className="notice notice--danger" role="alert">
          {explain(report.problem, language)}
        </p>
      )}
      {found && <Chart rows={found.groups} />}
      {found && <Figures rows={[...found.groups, found.total]} definitions={found.definitions} />}
      {found && found.sleeping.length > 0 && (
        <section>
          <h2>{t("activity.sleeping", { count: found.sleeping.length })}</h2>
          <p className="num">{found.sleeping.join(" · ")}</p>
        </section>
      )}
    </main>
  );
}

const MOST_BARS = 24;
const BAR = 18;
const NAME = 180;
const WIDTH = 640;

/** Two bars a row: dropped off, and collected; the table below carries the same figures. */
function Chart({ rows }: { rows: readonly Row[] }) {
  const { t } = useLanguage();
  const shown = [...rows].sort((one, other) => other.drop_offs - one.drop_offs).slice(0, MOST_BARS);
  const most = Math.max(1, ...shown.map((row) => Math.max(row.drop_offs, row.collected)));
  const scale = (value: number) => (value / most) * (WIDTH - NAME - 60);
  const height = shown.length * (2 * BAR + 10) + 30;
  return (
    <figure className="activity__chart" tabIndex={0}>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={t("activity.chart")}>
        {shown.map((row, index) => {
          const y = index * (2 * BAR + 10) + 6;
          return (
            <g key={row.group} data-group={row.group}>
              <text x={NAME - 8} y={y + BAR + 4} textAnchor="end" className="activity__name">
                {row.group}
              </text>
              <rect x={NAME} y={y} width={scale(row.drop_offs)} height={BAR} className="activity__dropped" />
              <text x={NAME + scale(row.drop_offs) + 6} y={y + 13} className="activity__value">
                {row.drop_offs}
              </text>
              <rect x={NAME} y={y + BAR} width={scale(row.collected)} height={BAR} className="activity__collected" />
              <text x={NAME + scale(row.collected) + 6} y={y + BAR + 13} className="activity__value">
                {row.collected}
              </text>
            </g>
          );
        })}
      </svg>
      <figcaption className="muted">
        <span className="activity__key activity__key--dropped" /> {t("activity.drop_offs")}{" "}
        <span className="activity__key activity__key--collected" /> {t("activity.collected")}
      </figcaption>
    </figure>
  );
}

function Figures({ rows, definitions }: { rows: readonly Row[]; definitions: Record<string, Record<string, string>> }) {
  const { t, language } = useLanguage();
  const name = (column: string) => (language === "zh-CN" ? definitions[column]?.["zh"] : undefined) ?? column.replaceAll("_", " ");
  return (
    <div className="activity__scroll" tabIndex={0} role="region" aria-label={t("activity.title")}>
      <table className="activity__table">
        <thead>
          <tr>
            <th scope="col">{t("activity.group")}</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" title={definitions[column]?.["definition"]}>
                {name(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.group} data-row={row.group}>
              <th scope="row">{row.group === "total" ? t("activity.total") : row.group}</th>
              {COLUMNS.map((column) => (
                <td key={column} className="num">
                  {show(column, row[column])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function show(column: string, value: number | null): string {
  if (value === null) return "–";
  if ((SHARES as readonly string[]).includes(column)) return `${(value * 100).toFixed(1)} %`;
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
