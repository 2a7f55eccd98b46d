import { useState } from "react";

import { Close } from "../../design/icons";
import { formatHours, formatKm, formatYuan, signedMinutes, signedYuan } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import type { Change, Comparison, Difference, Proposal, RouteDifference } from "./draft";
import type { Names } from "./EditPlan";
import type { DraftWork, Variant } from "./useDraft";

const TERMS = ["moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped"] as const;
const SHOWN = 30;

/** What the draft changes against the version it began with, or against another draft; the map shows the same. */
export function DifferenceCard({ work, comparison, names, onStop }: { work: DraftWork; comparison: Comparison; names: Names; onStop(key: string): void }) {
  const { t, language } = useLanguage();
  const { difference } = comparison;
  return (
    <section className="editing__card" data-difference={difference.routes.length} aria-label={t("edit.difference")}>
      <h3>
        {comparison.against === "base" ? t("edit.difference") : t("edit.difference_from", { name: comparison.name })} <span className="num">{signedYuan(difference.added_fen, language)}</span>
        <button type="button" className="button button--quiet" aria-label={t("app.close")} onClick={work.closeComparison}><Close /></button>
      </h3>
      {difference.routes.length === 0 ? <p className="muted">{t("edit.same")}</p> : <Disturbance values={difference.disturbance} />}
      <MovedParcels difference={difference} names={names} nameOf={(key) => work.stopOf.get(key)?.stop.name ?? work.draft?.waiting.find((one) => one.key === key)?.name ?? key} />
      {difference.routes.map((one) => (
        <RouteChanges key={one.vehicle_id} one={one} names={names} onStop={onStop} />
      ))}
    </section>
  );
}

/** Parcels that change their vehicle, stop by stop: from whom to whom. */
function MovedParcels({ difference, names, nameOf }: { difference: Difference; names: Names; nameOf(key: string): string }) {
  const { t } = useLanguage();
  const groups = new Map<string, { key: string; from: string | null; to: string | null; count: number }>();
  for (const { stop_key: key, from_vehicle: from, to_vehicle: to } of difference.parcels) {
    const group = groups.get(`${key}/${from}/${to}`) ?? { key, from, to, count: 0 };
    groups.set(`${key}/${from}/${to}`, { ...group, count: group.count + 1 });
  }
  if (groups.size === 0) return null;
  const who = (vehicle: string | null) => (vehicle === null ? t("edit.waiting") : names.vehicle(vehicle));
  return (
    <table className="editing__table">
      <caption>{t("edit.moved")}</caption>
      <thead>
        <tr><th scope="col">{t("edit.stop")}</th><th scope="col">{t("edit.parcels")}</th><th scope="col">{t("edit.from_to")}</th></tr>
      </thead>
      <tbody>
        {[...groups.values()].slice(0, SHOWN).map((one) => (
          <tr key={`${one.key}/${one.from}/${one.to}`}><th scope="row">{nameOf(one.key)}</th><td className="num">{one.count}</td><td>{who(one.from)} → {who(one.to)}</td></tr>
        ))}
      </tbody>
    </table>
  );
}

function RouteChanges({ one, names, onStop }: { one: RouteDifference; names: Names; onStop?(key: string): void }) {
  const { t, language } = useLanguage();
  return (
    <details data-changed={one.vehicle_id}>
      <summary>
        {names.vehicle(one.vehicle_id)} <span className="num muted">{t("edit.changes", { count: one.changes.length })} · {signedYuan(one.cost_after_fen - one.cost_before_fen, language)}</span>
      </summary>
      {one.courier_before !== one.courier_after && <p>{t("edit.courier_changed", { before: names.courier(one.courier_before), after: names.courier(one.courier_after) })}</p>}
      <ul>
        {one.changes.slice(0, SHOWN).map((change, at) => (
          <li key={`${change.stop_key}/${change.kind}/${at}`} className="editing__pair">
            {onStop ? <button type="button" className="button button--quiet" onClick={() => onStop(change.stop_key)}>{change.name}</button> : <span>{change.name}</span>}
            <span className="num">{changeText(change, t)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function changeText(change: Change, t: ReturnType<typeof useLanguage>["t"]): string {
  if (change.kind === "eta_moved") return signedMinutes(change.shift_s);
  return t(`changed.${change.kind}`, { parcels: change.parcel_ids.length, minutes: Math.round(change.shift_s / 60) });
}

/** What a re-optimisation found: all of it or a part is accepted; what is looked at is drawn on the map. */
export function ProposalCard({ work, proposal, names }: { work: DraftWork; proposal: Proposal; names: Names }) {
  const { t, language } = useLanguage();
  const [shown, setShown] = useState<number | null>(null);
  const show = (part: number | null) => {
    setShown(part);
    work.showPart(part);
  };
  return (
    <section className="editing__card" data-proposal={proposal.proposal_id} aria-label={t("edit.proposal")}>
      <h3>{t("edit.proposal")} <span className="num">{signedYuan(proposal.difference.added_fen, language)}</span></h3>
      <p className="num">{formatYuan(proposal.chosen.cost_fen, language)} · {t("edit.gap", { percent: proposal.gap_percent })}</p>
      {!proposal.chosen.within_budget && <p className="chip chip--warn">{t("edit.over_budget")}</p>}
      {proposal.parts.length === 0 ? <p className="muted">{t("edit.nothing_better")}</p> : <Disturbance values={proposal.chosen.disturbance} />}
      <div className="editing__buttons">
        <button type="button" className="button button--primary" disabled={work.busy || proposal.parts.length === 0} onClick={() => work.accept(remaining(proposal))}>{t("edit.accept")}</button>
        <button type="button" className="button button--quiet" onClick={work.dropProposal}>{t("edit.drop")}</button>
        {shown !== null && <button type="button" className="button" onClick={() => show(null)}>{t("edit.show_all")}</button>}
      </div>
      {proposal.parts.map((part, at) =>
        part.vehicles.length === 0 ? null : (
          <div key={at} className="editing__part" data-part={at}>
            <div className="editing__buttons">
              <strong>{t("edit.part", { number: at + 1 })}</strong>
              <button type="button" className="button" aria-pressed={shown === at} onClick={() => show(at)}>{t("edit.show")}</button>
              <button type="button" className="button" disabled={work.busy} onClick={() => work.accept([at])}>{t("edit.accept_one")}</button>
            </div>
            {part.routes.map((one) => (
              <RouteChanges key={one.vehicle_id} one={one} names={names} />
            ))}
          </div>
        ),
      )}
    </section>
  );
}

/** Parts not accepted yet; undefined stands for all. */
function remaining(proposal: Proposal): number[] | undefined {
  const open = proposal.parts.flatMap((part, at) => (part.vehicles.length > 0 ? [at] : []));
  return open.length === proposal.parts.length ? undefined : open;
}

/** Drafts on the same version side by side: what each would come to, and which one to go on with. */
export function Variants({ work, variants, present }: { work: DraftWork; variants: readonly Variant[]; present: string }) {
  const { t, language } = useLanguage();
  const cheapest = Math.min(...variants.map((one) => one.figures.cost_fen));
  const name = (one: Variant) => one.name || t(one.copied_from === null ? "edit.first_draft" : "edit.unnamed");
  return (
    <section className="editing__card" data-variants={variants.length} aria-label={t("edit.variants")}>
      <h3>{t("edit.variants")}</h3>
      {variants.length < 2 && <p className="muted">{t("edit.variants_hint")}</p>}
      <div className="editing__scroll" tabIndex={0} role="region" aria-label={t("edit.variants")}>
        <table className="editing__table num">
          <thead>
            <tr>
              <th scope="col">{t("edit.draft")}</th><th scope="col">{t("kpi.cost")}</th><th scope="col">km</th><th scope="col">h</th>
              <th scope="col">{t("kpi.vehicles")}</th><th scope="col">{t("kpi.late")}</th><th scope="col">{t("edit.rules")}</th><th scope="col">{t("kpi.unassigned")}</th><th scope="col"><span className="visually-hidden">{t("edit.open")}</span></th>
            </tr>
          </thead>
          <tbody>
            {variants.map((one) => (
              <tr key={one.id} data-variant={one.id}>
                <th scope="row">{name(one)}</th>
                <td>{formatYuan(one.figures.cost_fen, language, true)}{one.figures.cost_fen === cheapest ? " ★" : ""}</td>
                <td>{formatKm(one.figures.distance_m, language)}</td>
                <td>{formatHours(one.figures.duration_s, language)}</td>
                <td>{one.figures.routes}</td>
                <td>{one.figures.late_stops}</td>
                <td>{one.figures.violations}</td>
                <td>{one.figures.unassigned}</td>
                <td>
                  {one.id === present ? (
                    <span className="chip">{t("edit.present")}</span>
                  ) : (
                    <span className="editing__buttons">
                      <button type="button" className="button" onClick={() => work.compare(one.id, name(one))}>{t("edit.compare")}</button>
                      <button type="button" className="button" onClick={() => work.open(one.id)}>{t("edit.open")}</button>
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Disturbance({ values }: { values: Record<string, number> }) {
  const { t } = useLanguage();
  return (
    <dl className="editing__terms num">
      {TERMS.map((name) => (
        <div key={name}>
          <dt>{t(`edit.term.${name}`)}</dt>
          <dd>{values[name] ?? 0}</dd>
        </div>
      ))}
    </dl>
  );
}
