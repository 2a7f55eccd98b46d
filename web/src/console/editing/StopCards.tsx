import { useState } from "react";

import { api, answered } from "../../api/client";
import { useResource } from "../../api/resource";
import { Close } from "../../design/icons";
import { formatDaySeconds, formatKm, formatYuan, signedMinutes, signedYuan } from "../../i18n/format";
import { useLanguage, type MessageKey, type Translator } from "../../i18n/language";
import { LOCK_LEVELS, shifts, type Draft, type DraftStop, type Explanation, type Flaw, type LockLevel } from "./draft";
import type { Names } from "./EditPlan";
import { tryMove } from "./RouteLists";
import type { DraftWork, Trial } from "./useDraft";

const SHOWN = 6;

/** A rule that an edit would break, in words; a rule without words keeps its code. */
export function ruleName({ find }: Translator, flaw: Pick<Flaw, "code">): string {
  return find(`rule.${flaw.code}`) ?? flaw.code;
}

interface ActionsProps {
  work: DraftWork;
  draft: Draft;
  names: Names;
  stop: string;
  at: { stop: DraftStop; vehicle: string } | undefined;
}

/** What can be done with the chosen stop: the menu twin of dragging. */
export function Actions({ work, draft, names, stop, at }: ActionsProps) {
  const { t } = useLanguage();
  const serving = draft.vehicles.filter((one) => one.in_service);
  const [vehicle, setVehicle] = useState(at?.vehicle ?? serving[0]?.vehicle_id ?? "");
  const [position, setPosition] = useState("");
  const name = at?.stop.name ?? draft.waiting.find((one) => one.key === stop)?.name ?? stop;
  const button = (label: MessageKey, act: () => void) => <button type="button" className="button" disabled={work.busy} onClick={act}>{t(label)}</button>;
  return (
    <section className="editing__card" data-actions={stop} aria-label={name}>
      <h3>{name}</h3>
      {at && <p className="muted num">{t("edit.stop_at", { route: names.vehicle(at.vehicle), position: at.stop.position + 1, time: formatDaySeconds(at.stop.start_s) })} · {t("edit.goods", { deliveries: at.stop.deliveries, collections: at.stop.collections })}</p>}
      <div className="editing__buttons">
        {button("edit.places", () => work.rank(stop))}
        {button("edit.why", () => work.explain(stop))}
        {at && button("edit.remove", () => work.attempt({ kind: "remove", stops: [stop] }))}
        {at && (
          <label>
            {t("edit.lock")}
            <select className="input" name="lock" value={at.stop.lock} onChange={(event) => work.edit({ kind: "lock", stops: [stop], level: event.target.value as LockLevel })}>
              {LOCK_LEVELS.map((level) => (
                <option key={level} value={level}>{t(`edit.lock.${level}`)}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <form
        className="editing__form"
        onSubmit={(event) => {
          event.preventDefault();
          tryMove(work, stop, vehicle, position === "" ? null : Number(position) - 1);
        }}
      >
        <label>
          {t("edit.move_to")}
          <select className="input" name="vehicle" value={vehicle} onChange={(event) => setVehicle(event.target.value)}>
            {serving.map((one) => (
              <option key={one.vehicle_id} value={one.vehicle_id}>{names.vehicle(one.vehicle_id)}</option>
            ))}
          </select>
        </label>
        <label>
          {t("edit.at")}
          <input className="input num" name="position" type="number" min={1} placeholder={t("edit.best")} value={position} onChange={(event) => setPosition(event.target.value)} />
        </label>
        <button type="submit" className="button" disabled={work.busy}>{t("edit.try")}</button>
      </form>
      <p className="muted">{t("edit.move_hint")}</p>
    </section>
  );
}

/** The best places for a stop with their prices and who would be affected; choosing one tries it. */
export function PlacesCard({ work, places, names }: { work: DraftWork; places: NonNullable<DraftWork["places"]>; names: Names }) {
  const { t, language } = useLanguage();
  const nameOf = (key: string) => work.stopOf.get(key)?.stop.name ?? key;
  return (
    <section className="editing__card" data-places={places.items.length} aria-label={t("edit.places")}>
      <h3>{t("edit.places")}</h3>
      {places.items.length === 0 && <p className="muted">{t("edit.no_place")}</p>}
      <ol>
        {places.items.map((place) => (
          <li key={`${place.vehicle_id}/${place.position}`}>
            <button type="button" className="editing__vehicle" onClick={() => tryMove(work, places.stop, place.vehicle_id, place.position)}>
              <span className="editing__vehicle-name">{names.vehicle(place.vehicle_id)} · {t("edit.position", { position: place.position + 1 })} · {formatDaySeconds(place.start_s)}</span>
              <strong className="num">{signedYuan(place.added_fen, language)}</strong>
              <span className="muted editing__wide">
                {place.affected.length === 0 ? t("edit.affects_none") : `${t("edit.affected", { count: place.affected.length })}: `}
                {place.affected.slice(0, 3).map(([key, by]) => `${nameOf(key)} ${signedMinutes(by)}`).join(t("list.comma"))}
                {place.affected.length > 3 && " …"}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What an edit would come to, before it is done; one that breaks rules needs a reason. */
export function TrialCard({ work, trial, names }: { work: DraftWork; trial: Trial; names: Names }) {
  const language = useLanguage();
  const { t } = language;
  const [reason, setReason] = useState("");
  const { answer } = trial;
  const breaks = answer.new_flaws.length > 0;
  const now = answer.draft.figures;
  return (
    <section className="editing__card editing__card--try" data-tentative={breaks ? "breaks" : "keeps"} aria-label={t("edit.tentative")}>
      <h3>{t("edit.tentative")} <span className="num" data-added={answer.added_fen}>{signedYuan(answer.added_fen, language.language)}</span></h3>
      <p className="num muted">
        {t("edit.trial_km", { km: signedKm(now.distance_m - answer.before.distance_m, language.language) })} · {t("edit.trial_late", { before: answer.before.late_stops, after: now.late_stops })}
      </p>
      <ul className="editing__effects">
        {answer.routes.map((one) => {
          const before = work.draft?.vehicles.find((known) => known.vehicle_id === one.vehicle_id);
          const moved = shifts(work.shapes.get(one.vehicle_id)?.stops ?? [], one.route);
          return (
            <li key={one.vehicle_id} className="num">
              <strong>{names.vehicle(one.vehicle_id)}</strong>
              <span>{formatYuan(before?.cost_fen ?? 0, language.language, true)} → {formatYuan(one.cost_fen, language.language, true)} · {t("edit.stop_count", { count: one.stops })} · {one.end_s === null ? "" : t("edit.back_at", { time: formatDaySeconds(one.end_s) })}</span>
              {moved.length > 0 && (
                <span className="muted">
                  {t("edit.affected", { count: moved.length })}: {moved.slice(0, 4).map((stop) => `${stop.name} ${signedMinutes(stop.shiftS)}`).join(t("list.comma"))}{moved.length > 4 && " …"}
                </span>
              )}
            </li>
          );
        })}
        {answer.new_flaws.slice(0, SHOWN).map((flaw) => (
          <li key={`${flaw.code}/${flaw.stop_key ?? ""}/${flaw.vehicle_id ?? ""}`} className="chip chip--danger editing__flaw">
            {t("edit.breaks", { rule: ruleName(language, flaw), amount: flaw.amount })}
            {flaw.stop_key !== null && ` · ${work.stopOf.get(flaw.stop_key)?.stop.name ?? flaw.stop_key}`}
          </li>
        ))}
      </ul>
      {breaks && (
        <label className="field">
          <span>{t("edit.reason")}</span>
          <input className="input" name="reason" value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
      )}
      <div className="editing__buttons">
        <button type="button" className="button button--primary" disabled={work.busy || (breaks && reason.trim() === "")} onClick={() => work.edit(trial.command, breaks ? reason : "")}>{t(breaks ? "edit.override" : "edit.do")}</button>
        <button type="button" className="button button--quiet" onClick={work.dropTrial}>{t("edit.drop")}</button>
      </div>
    </section>
  );
}

function signedKm(metres: number, language: Translator["language"]): string {
  return `${metres > 0 ? "+" : metres < 0 ? "−" : ""}${formatKm(Math.abs(metres), language)}`;
}

/** Why a stop is where it is and at this time, or on no route, and what would serve it at what price. */
export function Why({ work, why, names, onStop }: { work: DraftWork; why: Explanation; names: Names; onStop(key: string): void }) {
  const language = useLanguage();
  const { t, find } = language;
  const { time } = why;
  const constraint = (name: string) => find(`constraint.${name}`) ?? (name.startsWith("windows of") ? t("constraint.windows") : name);
  const amount = (change: number, unit: string) => (unit === "s" ? t("edit.minutes", { minutes: Math.ceil(change / 60) }) : `${change} ${unit}`);
  return (
    <section className="editing__card" data-why={why.planned ? "planned" : "waiting"} aria-label={t("edit.why")}>
      <h3>{t("edit.why")}<button type="button" className="button button--quiet" aria-label={t("app.close")} onClick={work.closeAnswers}><Close /></button></h3>
      <p>{language.language === "en" ? why.sentence_en : why.sentence_zh}</p>
      {time && (
        <p className="num">
          {t(`edit.time.${time.rule}`, { leaves: formatDaySeconds(time.leaves_s), before: time.stops_before, drive: Math.round(time.drive_s / 60), arrival: formatDaySeconds(time.arrival_s), start: formatDaySeconds(time.start_s) })}
        </p>
      )}
      {why.alternatives.length > 0 && (
        <>
          <h4>{t("edit.elsewhere")}</h4>
          <ul>
            {why.alternatives.map((one) => (
              <li key={`${one.vehicle}/${one.position}`} className="editing__pair num">
                <button type="button" className="button button--quiet" onClick={() => tryMove(work, why.stop_key, one.vehicle, one.position)}>{names.vehicle(one.vehicle)} · {t("edit.position", { position: one.position + 1 })}</button>
                <strong>{signedYuan(one.more_fen, language.language)}</strong>
              </li>
            ))}
          </ul>
        </>
      )}
      {why.reasons.length > 0 && (
        <ul>
          {why.reasons.map((one, at) => (
            <li key={`${one.code}/${at}`}>{find(`reason.${one.code}`) ?? one.code} <span className="chip">{t(one.certainty === "proved" ? "edit.proved" : "edit.likely")}</span></li>
          ))}
        </ul>
      )}
      {why.fixes.length > 0 && (
        <>
          <h4>{t("edit.fixes")}</h4>
          <ul>
            {why.fixes.map((fix) => (
              <li key={`${fix.constraint}/${fix.unit}`} className="editing__pair num">
                <span>{fix.constraint === "none" ? t("edit.fits") : t("edit.fix", { constraint: constraint(fix.constraint), change: amount(fix.change, fix.unit) })}{fix.vehicle === null ? "" : ` · ${names.vehicle(fix.vehicle)}`} <span className="chip" title={t("edit.fix_certainty")}>{t(fix.certainty === "proved" ? "edit.proved" : "edit.likely")}</span></span>
                <strong>{signedYuan(fix.cost_fen, language.language)}</strong>
              </li>
            ))}
          </ul>
        </>
      )}
      {why.displaces.length > 0 && (
        <ul>
          {why.displaces.map((one) => (
            <li key={one.stop_key}><button type="button" className="button button--quiet" onClick={() => onStop(one.stop_key)}>{t("edit.displaces", { name: one.name })}</button></li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What can be done with a whole route: lock it, turn it round, give it another courier, take it out of service. */
export function RouteActions({ work, draft, vehicle, names, region }: { work: DraftWork; draft: Draft; vehicle: string; names: Names; region: string }) {
  const { t } = useLanguage();
  const fleet = useResource(`fleet/${region}`, (signal) => answered(api.GET("/api/v1/fleet", { params: { query: { region } }, signal })));
  const here = draft.vehicles.find((one) => one.vehicle_id === vehicle);
  if (!here) return null;
  return (
    <section className="editing__card" data-route={vehicle} aria-label={names.vehicle(vehicle)}>
      <h3>{names.vehicle(vehicle)}</h3>
      <div className="editing__buttons">
        <label>
          {t("edit.lock_route")}
          <select className="input" name="route-lock" value={here.locked ? "sequence" : "free"} disabled={work.busy || here.stops === 0} onChange={(event) => work.edit({ kind: "lock", vehicle, level: event.target.value })}>
            {LOCK_LEVELS.map((level) => (
              <option key={level} value={level}>{t(`edit.lock.${level}`)}</option>
            ))}
          </select>
        </label>
        <label>
          {t("edit.courier")}
          <select className="input" name="courier" value={here.courier_id ?? ""} disabled={work.busy} onChange={(event) => work.attempt({ kind: "courier", vehicle, courier: event.target.value })}>
            {here.courier_id === null && <option value="">–</option>}
            {fleet.data?.couriers.map((one) => (
              <option key={one.id} value={one.id}>{one.name}</option>
            ))}
          </select>
        </label>
        <button type="button" className="button" disabled={work.busy || here.stops < 2} onClick={() => work.attempt({ kind: "reverse", vehicle })}>{t("edit.reverse")}</button>
        <button type="button" className="button" disabled={work.busy} onClick={() => work.attempt({ kind: "remove_vehicle", vehicle })}>{t("edit.out_of_service")}</button>
      </div>
    </section>
  );
}
