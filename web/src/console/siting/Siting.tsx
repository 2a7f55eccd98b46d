import "./siting.css";

import { useCallback, useMemo, useState } from "react";

import { answered, api, newRequestKey } from "../../api/client";
import { asProblem, explain, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import type { Operation, Region } from "../../api/types";
import { formatMoment } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import { PlanRun } from "../PlanRun";
import { Facts } from "./Facts";
import { Sleepers } from "./Sleepers";
import { StudyMap } from "./StudyMap";
import { readStudy, type StudySite } from "./study";

type Order = components["schemas"]["SitingForm"];

/** Where kiosks should go: ask for a study, see it on the map and in a table, and what became of earlier ones. */
export function Siting({ region }: { region: Region }) {
  const language = useLanguage();
  const { t } = language;
  const [running, setRunning] = useState<string | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [site, setSite] = useState<string | null>(null);
  const studies = useResource(`siting/${region.name}`, (signal) =>
    answered(api.GET("/api/v1/siting", { params: { query: { region: region.name } }, signal })),
  );
  const known = studies.data?.items ?? [];
  const shown = known.find((one) => one.id === chosen) ?? known[0] ?? null;
  const study = useResource(shown ? `study/${shown.id}` : null, (signal) =>
    answered(api.GET("/api/v1/siting/{study_id}", { params: { path: { study_id: shown?.id ?? "" } }, signal })),
  );
  const read = useMemo(() => (study.data ? readStudy(study.data.document) : null), [study.data]);

  async function start(order: Order) {
    setProblem(null);
    const params = { header: { "Idempotency-Key": newRequestKey() } };
    await answered(api.POST("/api/v1/siting:plan", { body: order, params })).then(
      (operation) => setRunning(operation.id),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }

  const { reload } = studies;
  const ended = useCallback(
    (operation: Operation | null, failed: ProblemBody | null) => {
      setRunning(null);
      setProblem(failed);
      const made = operation?.result?.["study_id"];
      if (typeof made === "string") setChosen(made);
      reload();
    },
    [reload],
  );

  return (
    <main className="siting" aria-busy={studies.loading}>
      <div className="siting__side">
        <h1>{t("siting.title")}</h1>
        <p className="muted">{t("siting.help")}</p>
        <Form region={region.name} busy={running !== null} onStart={(order) => void start(order)} />
        {running !== null && <PlanRun operationId={running} onEnd={ended} />}
        {(problem ?? studies.problem ?? study.problem) && (
          <p className="notice notice--danger" role="alert">
            {explain((problem ?? studies.problem ?? study.problem) as ProblemBody, language)}
          </p>
        )}
        {studies.data && known.length === 0 && <p className="empty">{t("siting.none")}</p>}
        {shown && (
          <label>
            {t("siting.study")}{" "}
            <select className="input" value={shown.id} onChange={(event) => setChosen(event.target.value)}>
              {known.map((one) => (
                <option key={one.id} value={one.id}>
                  {t("siting.study_name", { number: one.number, moment: formatMoment(one.made_at, region.zone, language.language) })}
                </option>
              ))}
            </select>
          </label>
        )}
        {read && <Summary study={read} />}
        {read && <Places sites={read.sites.filter((one) => !one.existing)} chosen={site} onChoose={setSite} />}
        {shown && read && <Facts studyId={shown.id} names={read.names} />}
        <Sleepers region={region.name} />
      </div>
      <StudyMap region={region} study={read} chosen={site} onChoose={setSite} />
    </main>
  );
}

const MODELS = ["covering", "median", "fewest"] as const;
const PATTERNS = ["any", "spread", "cluster", "anchor"] as const;

function Form({ region, busy, onStart }: { region: string; busy: boolean; onStart(order: Order): void }) {
  const { t } = useLanguage();
  const [budget, setBudget] = useState(10);
  const [minutes, setMinutes] = useState(15);
  const [model, setModel] = useState<(typeof MODELS)[number]>("covering");
  const [pattern, setPattern] = useState<(typeof PATTERNS)[number]>("any");
  const [quick, setQuick] = useState(false);
  return (
    <form
      className="siting__form"
      onSubmit={(event) => {
        event.preventDefault();
        onStart({ region, budget, within_min: minutes, model, pattern, quick });
      }}
    >
      <label>
        {t("siting.budget")}
        <input className="input" type="number" min={0} max={1000} required value={budget} onChange={(event) => setBudget(event.target.valueAsNumber)} />
      </label>
      <label>
        {t("siting.minutes")}
        <input className="input" type="number" min={1} max={600} required value={minutes} onChange={(event) => setMinutes(event.target.valueAsNumber)} />
      </label>
      <label>
        {t("siting.model")}
        <select className="input" value={model} onChange={(event) => setModel(event.target.value as typeof model)}>
          {MODELS.map((one) => (
            <option key={one} value={one}>
              {t(`siting.model_${one}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t("siting.pattern")}
        <select className="input" value={pattern} onChange={(event) => setPattern(event.target.value as typeof pattern)}>
          {PATTERNS.map((one) => (
            <option key={one} value={one}>
              {t(`siting.pattern_${one}`)}
            </option>
          ))}
        </select>
      </label>
      <label className="siting__quick">
        <span>
          <input type="checkbox" checked={quick} onChange={(event) => setQuick(event.target.checked)} /> {t("siting.quick")}
        </span>
      </label>
      <button type="submit" className="button button--primary" disabled={busy} data-action="site">
        {t("siting.start")}
      </button>
    </form>
  );
}

function Summary({ study }: { study: ReturnType<typeof readStudy> }) {
  const { t } = useLanguage();
  return (
    <p data-summary="siting">
      {t("siting.covered", {
        minutes: study.withinMin,
        share: (100 * study.covered).toFixed(1),
        count: study.sites.filter((one) => !one.existing).length,
        beyond: study.beyond.length,
      })}{" "}
      <span className="muted">{t(study.proven ? "siting.proven" : "siting.unproven")}</span>
    </p>
  );
}

function Places(props: { sites: readonly StudySite[]; chosen: string | null; onChoose(id: string): void }) {
  const { t, find } = useLanguage();
  const most = Math.max(0.01, ...props.sites.map((one) => one.high ?? 0));
  if (props.sites.length === 0) return <p className="empty">{t("siting.no_new")}</p>;
  return (
    <div className="siting__scroll" tabIndex={0} role="region" aria-label={t("siting.places")}>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            <th scope="col">{t("siting.place")}</th>
            <th scope="col">{t("siting.demand")}</th>
            <th scope="col">{t("siting.expected")}</th>
          </tr>
        </thead>
        <tbody>
          {props.sites.map((one, index) => (
            <tr key={one.id} className={one.id === props.chosen ? "siting__row--chosen" : ""} data-site={one.id}>
              <td className="num">{index + 1}</td>
              <th scope="row">
                <button type="button" className="button button--quiet" onClick={() => props.onChoose(one.id)}>
                  {one.name}
                </button>
                <br />
                <span className="muted">{find(`scene.${one.scene}`) ?? one.scene}</span>
              </th>
              <td className="num">{one.demand.toFixed(1)}</td>
              <td>
                <Interval site={one} most={most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The interval as a line, the mean as a dot on it; the numbers stand below. */
function Interval({ site, most }: { site: StudySite; most: number }) {
  const { t } = useLanguage();
  if (site.mean === null || site.low === null || site.high === null) return <>–</>;
  const at = (value: number) => 4 + (value / most) * 92;
  const text = t("siting.interval", { mean: site.mean.toFixed(2), low: site.low.toFixed(2), high: site.high.toFixed(2) });
  return (
    <>
      <svg className="siting__bar" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" aria-label={text}>
        <line x1={at(site.low)} x2={at(site.high)} y1={6} y2={6} stroke="var(--line-strong)" strokeWidth={3} />
        <rect x={at(site.mean) - 1} width={2} y={1} height={10} fill="var(--accent)" />
      </svg>
      <span className="num muted">{text}</span>
    </>
  );
}
