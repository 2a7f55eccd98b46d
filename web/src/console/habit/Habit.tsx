import "./habit.css";

import { useMemo, useState } from "react";

import { answered, api, newRequestKey } from "../../api/client";
import { asProblem, explain, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import type { Region } from "../../api/types";
import { dayAfter, formatYuan } from "../../i18n/format";
import { useLanguage, type MessageKey } from "../../i18n/language";
import { readExceeded, readHabit, type Section } from "./habit";
import { SectionMap } from "./SectionMap";
import { StabilityChart } from "./StabilityChart";

type Version = components["schemas"]["HabitVersionEntry"];
type Finding = components["schemas"]["FindingView"];
type Day = components["schemas"]["StabilityDay"];

const WEEKS_SHOWN = 4;

/** Whose villages they are by habit: sections on a map, how steady the last weeks were, and what does not fit today. */
export function Habit({ region, day }: { region: Region; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const [chosen, setChosen] = useState<string | null>(null);
  const [section, setSection] = useState<number | null>(null);
  const [plan, setPlan] = useState<string | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const versions = useResource(`habit/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/habit/versions", { params: { query: { region: region.name } }, signal })),
  );
  const known = versions.data?.items ?? [];
  const shown = known.find((one) => one.id === chosen) ?? known.find((one) => one.accepted) ?? known[0] ?? null;
  const path = { version_id: shown?.id ?? "" };
  const content = useResource(shown ? `habit-version/${shown.id}` : null, (signal) =>
    answered(api.GET("/api/v1/habit/versions/{version_id}", { params: { path }, signal })),
  );
  const findings = useResource(shown ? `habit-findings/${shown.id}` : null, (signal) =>
    answered(api.GET("/api/v1/habit/versions/{version_id}/findings", { params: { path }, signal })),
  );
  const span = { region: region.name, first: dayAfter(day, -7 * WEEKS_SHOWN), last: day };
  const stability = useResource(`stability/${region.name}/${day}`, (signal) =>
    answered(api.GET("/api/v1/habit/stability", { params: { query: span }, signal })),
  );
  const sections = useMemo(() => (content.data ? readHabit(content.data) : []), [content.data]);

  async function accept(version: Version) {
    setProblem(null);
    const params = { header: { "Idempotency-Key": newRequestKey() } };
    await answered(api.POST("/api/v1/habit:accept", { body: { version_id: version.id, reason: "" }, params })).then(
      () => versions.reload(),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }

  const failed = problem ?? versions.problem ?? content.problem ?? stability.problem;
  return (
    <main className="habit" aria-busy={versions.loading || content.loading}>
      <div className="habit__side">
        <h1>{t("habit.title")}</h1>
        <p className="muted">{t("habit.help")}</p>
        {failed && (
          <p className="notice notice--danger" role="alert">
            {explain(failed, language)}
          </p>
        )}
        {versions.data && known.length === 0 && <p className="empty">{t("habit.none")}</p>}
        {shown && (
          <div className="habit__version">
            <select
              className="input"
              aria-label={t("habit.version")}
              value={shown.id}
              onChange={(event) => setChosen(event.target.value)}
            >
              {known.map((one) => (
                <option key={one.id} value={one.id}>
                  {t(one.accepted ? "habit.version_in_force" : "habit.version_name", { number: one.number, day: one.valid_from })}
                </option>
              ))}
            </select>
            {!shown.accepted && (
              <button type="button" className="button button--primary" onClick={() => void accept(shown)}>
                {t("habit.accept")}
              </button>
            )}
          </div>
        )}
        {shown && <Rule version={shown} />}
        <section>
          <h2>{t("habit.stability")}</h2>
          <StabilityChart days={stability.data?.items ?? []} />
          <Days days={stability.data?.items ?? []} chosen={plan} onChoose={setPlan} />
          {plan !== null && <Exceeded planVersionId={plan} />}
        </section>
        <Findings findings={findings.data?.items ?? []} />
        {sections.length > 0 && <Sections sections={sections} chosen={section} onChoose={setSection} />}
      </div>
      <SectionMap region={region} sections={sections} chosen={section} onChoose={setSection} />
    </main>
  );
}

/** Prices and bounds of a version, in a person's words. */
function Rule({ version }: { version: Version }) {
  const { t, language } = useLanguage();
  const rule = version.rule;
  const yuan = (name: string) => formatYuan(rule[name] ?? 0, language);
  const bound = (name: string) => (rule[name] === null || rule[name] === undefined ? "–" : `${rule[name]} %`);
  return (
    <dl className="habit__rule num">
      <dt>{t("habit.territory")}</dt>
      <dd>{t("habit.price_and_bound", { yuan: yuan("territory_fen"), bound: bound("most_moved_percent") })}</dd>
      <dt>{t("habit.order")}</dt>
      <dd>{t("habit.price_and_bound", { yuan: yuan("order_fen"), bound: bound("most_reordered_percent") })}</dd>
      <dt>{t("habit.arrival")}</dt>
      <dd>{t("habit.price_and_bound", { yuan: yuan("arrival_fen"), bound: bound("most_shifted_percent") })}</dd>
    </dl>
  );
}

interface DaysProps {
  days: readonly Day[];
  chosen: string | null;
  onChoose(planVersionId: string | null): void;
}

function Days({ days, chosen, onChoose }: DaysProps) {
  const { t } = useLanguage();
  if (days.length === 0) return <p className="muted">{t("habit.no_days")}</p>;
  return (
    <div className="habit__scroll" tabIndex={0} role="region" aria-label={t("habit.stability")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("habit.day")}</th>
            <th scope="col">{t("habit.habitual")}</th>
            <th scope="col">{t("habit.ordered")}</th>
            <th scope="col">{t("habit.shift")}</th>
            <th scope="col">{t("habit.exceeded")}</th>
          </tr>
        </thead>
        <tbody>
          {days.map((one) => (
            <tr key={one.day} data-day={one.day}>
              <th scope="row" className="num">
                {one.day}
              </th>
              <td className="num">{percent(one.habitual_share)}</td>
              <td className="num">{percent(one.ordered_share)}</td>
              <td className="num">{one.median_shift_s === null ? "–" : t("habit.minutes", { count: Math.round(one.median_shift_s / 60) })}</td>
              <td className="num">
                {one.exceeded_count ? (
                  <button
                    type="button"
                    className="button button--quiet"
                    aria-pressed={one.plan_version_id === chosen}
                    onClick={() => onChoose(one.plan_version_id === chosen ? null : one.plan_version_id)}
                  >
                    {one.exceeded_count}
                  </button>
                ) : (
                  (one.exceeded_count ?? "–")
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const REASONS: Readonly<Record<string, MessageKey>> = {
  overload: "habit.reason_overload",
  shift: "habit.reason_shift",
  late: "habit.reason_late",
  max_distance: "habit.reason_max_distance",
  max_tasks: "habit.reason_max_tasks",
  unreachable_leg: "habit.reason_no_road",
  vehicle_not_allowed: "habit.reason_no_road",
  owner_absent: "habit.reason_owner_absent",
  day_differs: "habit.reason_day_differs",
};
const KINDS: Readonly<Record<string, MessageKey>> = {
  courier: "habit.territory",
  order: "habit.order",
  arrival: "habit.arrival",
};

/** What is beyond the bounds of a day's plan, with the rule that kept it from being undone. */
function Exceeded({ planVersionId }: { planVersionId: string }) {
  const { t } = useLanguage();
  const found = useResource(`steady/${planVersionId}`, (signal) =>
    answered(api.GET("/api/v1/versions/{version_id}/stability", { params: { path: { version_id: planVersionId } }, signal })),
  );
  const rows = readExceeded(found.data?.planned_with ?? {});
  return (
    <ul className="habit__scroll" aria-busy={found.loading}>
      {rows.map((one) => (
        <li key={`${one.kind}/${one.stopKey}`}>
          {t("habit.exceeded_row", {
            kind: t(KINDS[one.kind] ?? "habit.exceeded"),
            section: one.section,
            place: one.placeId,
            reason: t(REASONS[one.reason] ?? "habit.reason_other"),
          })}
        </li>
      ))}
    </ul>
  );
}

const FINDINGS: Readonly<Record<string, MessageKey>> = {
  place_unknown: "habit.finding_place_unknown",
  no_road: "habit.finding_no_road",
  owner_absent: "habit.finding_owner_absent",
  in_no_section: "habit.finding_in_no_section",
  scattered: "habit.finding_scattered",
  bound: "habit.finding_bound",
};

function Findings({ findings }: { findings: readonly Finding[] }) {
  const { t } = useLanguage();
  if (findings.length === 0) return null;
  const kinds = [...new Set(findings.map((one) => one.code))];
  return (
    <section>
      <h2>{t("habit.findings")}</h2>
      {kinds.map((kind) => {
        const some = findings.filter((one) => one.code === kind);
        return (
          <details key={kind} data-finding={kind}>
            <summary>
              {t(FINDINGS[kind] ?? "habit.findings")} <span className="num">({some.length})</span>
            </summary>
            <p className="num">{some.map((one) => one.place_id ?? t("habit.section_number", { number: one.section ?? 0 })).join(" · ")}</p>
          </details>
        );
      })}
    </section>
  );
}

interface SectionsProps {
  sections: readonly Section[];
  chosen: number | null;
  onChoose(number: number | null): void;
}

function Sections({ sections, chosen, onChoose }: SectionsProps) {
  const { t } = useLanguage();
  return (
    <section>
      <h2>{t("habit.sections", { count: sections.length })}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("habit.section")}</th>
            <th scope="col">{t("habit.owner")}</th>
            <th scope="col">{t("habit.places")}</th>
            <th scope="col">{t("habit.work")}</th>
          </tr>
        </thead>
        <tbody>
          {sections.map((one) => (
            <tr key={one.number} data-section={one.number}>
              <th scope="row">
                <button
                  type="button"
                  className="button button--quiet"
                  aria-pressed={one.number === chosen}
                  onClick={() => onChoose(one.number === chosen ? null : one.number)}
                >
                  <span className="habit__key" style={{ background: one.color }} /> {one.number}
                </button>
              </th>
              <td>{one.owner}</td>
              <td className="num">{one.stops.length}</td>
              <td className="num">{one.workMin === null ? "–" : (one.workMin / 60).toFixed(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}
