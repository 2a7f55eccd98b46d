import { useState } from "react";

import { answered, api, newRequestKey } from "../api/client";
import { asProblem, explain, type ProblemBody } from "../api/problem";
import { useResource } from "../api/resource";
import type { components } from "../api/schema";
import { Late, Warning } from "../design/icons";
import { formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";

type One = components["schemas"]["PromiseView"];
type Lateness = components["schemas"]["LatenessView"];

const FLAGS = ["predicted_late", "at_risk", "breached", "late_feedback"] as const;
const SHOWN = 200;

/** What was promised and is in danger or broken: three flags kept apart, and what can still be done (SVC-10 to 13). */
export function Promises({ region, day, zone, onParcel }: { region: string; day: string; zone: string; onParcel(key: string): void }) {
  const language = useLanguage();
  const { t } = language;
  const [only, setOnly] = useState<(typeof FLAGS)[number] | null>(null);
  const [told, setTold] = useState<number | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const plans = useResource(`promises-plan/${region}/${day}`, (signal) =>
    answered(api.GET("/api/v1/plans", { params: { query: { region, day } }, signal })),
  );
  const plan = plans.data?.items.find((one) => one.in_force !== null) ?? null;
  const path = { plan_id: plan?.id ?? "" };
  const lateness = useResource(plan ? `lateness/${plan.id}/${plan.in_force}` : null, (signal) =>
    answered(api.GET("/api/v1/plans/{plan_id}/lateness", { params: { path }, signal })),
  );
  const found = lateness.data;

  function tell() {
    setProblem(null);
    const params = { path, header: { "Idempotency-Key": newRequestKey() } };
    answered(api.POST("/api/v1/plans/{plan_id}:watch", { params })).then(
      (answer) => {
        setTold(answer.begun.length);
        lateness.reload();
      },
      (error: unknown) => setProblem(asProblem(error)),
    );
  }

  const failed = problem ?? plans.problem ?? lateness.problem;
  return (
    <main className="activity" aria-busy={lateness.loading}>
      <div className="activity__head">
        <h1>{t("promises.title")}</h1>
        {found && <p className="muted num">{t("promises.as_of", { moment: formatMoment(found.as_of, zone, language.language), count: found.promises })}</p>}
        <button type="button" className="button" disabled={!plan || lateness.loading} onClick={tell}>
          {t("promises.tell")}
        </button>
        {told !== null && <p role="status">{t("promises.told", { count: told })}</p>}
      </div>
      {failed && (
        <p className="notice notice--danger" role="alert">
          {explain(failed, language)}
        </p>
      )}
      {plans.data && !plan && <p className="muted">{t("promises.no_plan")}</p>}
      {found && <Counts found={found} only={only} onOnly={setOnly} />}
      {found && <List items={found.items.filter((one) => only === null || one[only])} zone={zone} onParcel={onParcel} />}
    </main>
  );
}

function Counts({ found, only, onOnly }: { found: Lateness; only: string | null; onOnly(flag: (typeof FLAGS)[number] | null): void }) {
  const { t } = useLanguage();
  return (
    <div role="group" aria-label={t("promises.flags")}>
      {FLAGS.map((flag) => (
        <span key={flag}>
          <button
            type="button"
            className={`button ${only === flag ? "button--primary" : ""}`}
            aria-pressed={only === flag}
            data-flag={flag}
            onClick={() => onOnly(only === flag ? null : flag)}
          >
            {t(`promises.${flag}`)} <strong className="num">{found.counts[flag]}</strong>
          </button>{" "}
        </span>
      ))}
      <span className="muted num">{t("promises.known", { known: found.counts.known_breached, open: found.counts.open_breaches })}</span>
    </div>
  );
}

function List({ items, zone, onParcel }: { items: readonly One[]; zone: string; onParcel(key: string): void }) {
  const { t, find, language } = useLanguage();
  if (items.length === 0) return <p className="muted">{t("promises.none")}</p>;
  return (
    <div className="activity__scroll" tabIndex={0} role="region" aria-label={t("promises.title")}>
      <table className="activity__table">
        <thead>
          <tr>
            {(["parcel", "flags", "deadline", "eta", "route", "product", "do"] as const).map((name) => (
              <th key={name} scope="col">
                {t(`promises.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.slice(0, SHOWN).map((one) => (
            <tr key={one.parcel_id} data-parcel={one.parcel_id}>
              <th scope="row">
                <button type="button" className="button button--quiet num" onClick={() => onParcel(one.waybill)}>
                  {one.waybill}
                </button>
              </th>
              <td>
                {FLAGS.filter((flag) => one[flag]).map((flag) => (
                  <span key={flag} className={`chip ${flag === "breached" ? "chip--danger" : "chip--warn"}`}>
                    {flag === "breached" ? <Warning /> : <Late />} {t(`promises.${flag}`)}
                  </span>
                ))}
              </td>
              <td className="num">{formatMoment(one.deadline_at, zone, language)}</td>
              <td className="num">
                {one.eta_at ? formatMoment(one.eta_at, zone, language) : "–"} <small>{t(`promises.eta_${one.eta_source}`)}</small>
              </td>
              <td className="num">{one.route ?? "–"}</td>
              <td>{one.products.join(" + ")}</td>
              <td>{one.remedies.map((remedy) => find(`promises.do_${remedy}`) ?? remedy).join(" · ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {items.length > SHOWN && <p className="muted">{t("promises.more", { count: items.length - SHOWN })}</p>}
    </div>
  );
}
