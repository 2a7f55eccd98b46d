import { useCallback, useEffect, useRef, useState, type DragEvent, type KeyboardEvent } from "react";

import { asProblem, explain as tell, type ProblemBody } from "../../api/problem";
import { Warning } from "../../design/icons";
import { formatDaySeconds, formatYuan } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import { loadVersion } from "../plan";
import {
  ask, LOCK_LEVELS, type Command, type Difference, type Draft, type DraftRoute, type DraftStop, type EditAnswer,
  type Explanation, type LockLevel, type Operation, type Place, type Proposal, type Tagged,
} from "./draft";
import "./editing.css";

const DRAGGED = "application/x-cunda-stop";
const POLL_MS = 500;

/** The edit loop: choose a stop, see what a move would come to, do it, take it back, compare, save. */
export function EditPlan({ region, day }: { region: string; day: string }) {
  const language = useLanguage();
  const { t } = language;
  const [draft, setDraft] = useState<Tagged<Draft> | null>(null);
  const [vehicle, setVehicle] = useState<string | null>(null);
  const [route, setRoute] = useState<DraftRoute | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [tried, setTried] = useState<{ command: Command; answer: EditAnswer } | null>(null);
  const [places, setPlaces] = useState<readonly Place[] | null>(null);
  const [why, setWhy] = useState<Explanation | null>(null);
  const [difference, setDifference] = useState<Difference | null>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [saved, setSaved] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const id = draft?.data.id ?? "";

  const guard = useCallback(async (act: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  }, []);

  const read = useCallback(async (draftId: string, wanted: string | null) => {
    const found = await ask<Draft>(`/drafts/${draftId}`);
    const name = wanted ?? [...found.data.vehicles].sort((a, b) => b.stops - a.stops)[0]?.vehicle_id ?? null;
    const shown = name === null ? null : (await ask<DraftRoute>(`/drafts/${draftId}/routes/${encodeURIComponent(name)}`)).data;
    setDraft(found);
    setVehicle(name);
    setRoute(shown);
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    void guard(async () => {
      const version = await loadVersion(region, day, abort.signal);
      if (version === null || abort.signal.aborted) return;
      const list = await ask<{ items: { id: string; state: string; base_version_id: string }[] }>(`/plans/${version.facts.planId}/drafts`);
      const open = list.data.items.find((one) => one.state === "open" && one.base_version_id === version.facts.versionId);
      const draftId = open?.id ?? (await ask<Draft>(`/versions/${version.facts.versionId}/drafts`, { body: {} })).data.id;
      if (!abort.signal.aborted) await read(draftId, null);
    });
    return () => abort.abort();
  }, [region, day, guard, read]);

  const attempt = (command: Command) =>
    guard(async () => setTried({ command, answer: (await ask<EditAnswer>(`/drafts/${id}:try`, { body: { command } })).data }));

  const change = (path: string, body: unknown) =>
    guard(async () => {
      await ask<EditAnswer>(`/drafts/${id}:${path}`, { body, etag: draft?.etag ?? "" });
      setTried(null);
      setPlaces(null);
      setWhy(null);
      setDifference(null);
      await read(id, vehicle);
    });

  const edit = (command: Command, reason = "") => change("edit", { command, reason, override: reason !== "" });

  const choose = (key: string) => {
    setChosen(key === chosen ? null : key);
    setTried(null);
    setPlaces(null);
    setWhy(null);
  };

  const ranked = (key: string) =>
    guard(async () => setPlaces((await ask<{ items: Place[] }>(`/drafts/${id}/places?stop=${encodeURIComponent(key)}`)).data.items));
  const asked = (key: string) =>
    guard(async () => setWhy((await ask<Explanation>(`/drafts/${id}/explanation?stop=${encodeURIComponent(key)}`)).data));
  const compared = () => guard(async () => setDifference((await ask<Difference>(`/drafts/${id}/diff`)).data));

  const optimise = () =>
    guard(async () => {
      let operation = (await ask<Operation>(`/drafts/${id}:optimize`, { body: { budget: { dropped: 0 } } })).data;
      while (operation.state === "pending" || operation.state === "running") {
        await new Promise((done) => setTimeout(done, POLL_MS));
        operation = (await ask<Operation>(`/operations/${operation.id}`)).data;
      }
      setProposal(operation.result);
    });

  const save = (publish: boolean) =>
    guard(async () => {
      const made = await ask<{ number: number }>(`/drafts/${id}:save`, { body: { publish, reason: "" }, etag: draft?.etag ?? "" });
      setSaved(made.data.number);
    });

  // On the window: after an edit the button that did it is gone, and the focus with it.
  const onKey = useRef<(event: globalThis.KeyboardEvent) => void>(() => undefined);
  onKey.current = (event) => {
    if (!(event.ctrlKey || event.metaKey) || busy || draft === null || event.target instanceof HTMLInputElement) return;
    const back = event.key === "z" && !event.shiftKey;
    const again = event.key === "y" || (event.key === "Z" && event.shiftKey);
    if (back && draft.data.can_undo > 0) void change("undo", {});
    if (again && draft.data.can_redo > 0) void change("redo", {});
    if (back || again) event.preventDefault();
  };
  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent) => onKey.current(event);
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  if (draft === null) {
    return <main className="empty">{problem ? <p role="alert">{tell(problem, language)}</p> : <p className="muted">{t("edit.opening")}</p>}</main>;
  }
  const { figures } = draft.data;
  return (
    <main className="editing" aria-busy={busy}>
      <div className="editing__bar" role="toolbar" aria-label={t("edit.title")}>
        <span className="chip num" data-steps={draft.data.steps}>{t("edit.steps", { count: draft.data.steps })}</span>
        <span className="chip num">{formatYuan(figures.cost_fen, language.language)}</span>
        <span className={figures.late_stops ? "chip chip--warn num" : "chip num"}>{t("edit.late", { count: figures.late_stops })}</span>
        <span className={figures.violations ? "chip chip--danger num" : "chip num"} data-violations={figures.violations}>{t("edit.broken", { count: figures.violations })}</span>
        <button type="button" className="button" disabled={busy || draft.data.can_undo === 0} onClick={() => void change("undo", {})}>{t("edit.undo")}</button>
        <button type="button" className="button" disabled={busy || draft.data.can_redo === 0} onClick={() => void change("redo", {})}>{t("edit.redo")}</button>
        <button type="button" className="button" disabled={busy} onClick={() => void compared()}>{t("edit.compare")}</button>
        <button type="button" className="button" disabled={busy} onClick={() => void optimise()}>{t("edit.optimise")}</button>
        <button type="button" className="button" disabled={busy || saved !== null} onClick={() => void save(false)}>{t("edit.save")}</button>
        <button type="button" className="button button--primary" disabled={busy || saved !== null} onClick={() => void save(true)}>{t("edit.publish")}</button>
      </div>
      {saved !== null && <p className="notice" role="status" data-saved={saved}>{t("edit.saved", { number: saved })}</p>}
      {problem && <p className="notice notice--danger" role="alert"><Warning /><span className="notice__body">{tell(problem, language)}</span></p>}
      <div className="editing__body">
        <ul className="editing__vehicles" aria-label={t("edit.vehicles")}>
          {draft.data.vehicles.filter((one) => one.in_service).map((one) => (
            <li key={one.vehicle_id}>
              <button type="button" className="editing__vehicle" aria-pressed={one.vehicle_id === vehicle} data-vehicle={one.vehicle_id} onClick={() => void guard(() => read(id, one.vehicle_id))}>
                <strong>{one.number > 0 ? one.number : "–"}</strong> {one.vehicle_id}
                <span className="muted num">{t("edit.stop_count", { count: one.stops })} · {formatYuan(one.cost_fen, language.language, true)}</span>
                {one.locked && <span className="chip">{t("edit.lock.sequence")}</span>}
                {one.violations > 0 && <span className="chip chip--danger num">{one.violations}</span>}
              </button>
            </li>
          ))}
        </ul>
        <section className="editing__route" aria-label={t("edit.route")}>
          <ol>
            {route?.route.map((stop) => (
              <StopRow
                key={stop.key}
                stop={stop}
                ahead={stop.position - route.done}
                last={route.route.length - route.done - 1}
                chosen={stop.key === chosen}
                onChoose={() => choose(stop.key)}
                onMove={(key, position) => void attempt({ kind: "move", stops: [key], vehicle: route.vehicle_id, position })}
              />
            ))}
          </ol>
          {draft.data.waiting.length > 0 && <h3>{t("edit.waiting")}</h3>}
          <ul>
            {draft.data.waiting.map((stop) => (
              <li key={stop.key}>
                <button type="button" className="editing__stop" aria-pressed={stop.key === chosen} data-waiting={stop.key} onClick={() => choose(stop.key)}>
                  <span>{stop.name}</span>
                  <span className="muted">{stop.reason.code}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
        <aside className="editing__side" aria-live="polite">
          {chosen !== null && route !== null && (
            <Actions
              key={chosen}
              vehicles={draft.data.vehicles.filter((one) => one.in_service).map((one) => one.vehicle_id)}
              here={route.vehicle_id}
              lock={route.route.find((one) => one.key === chosen)?.lock ?? "free"}
              waits={draft.data.waiting.some((one) => one.key === chosen)}
              busy={busy}
              onTry={(name, position) => void attempt({ kind: "move", stops: [chosen], vehicle: name, ...(position === null ? {} : { position }) })}
              onRemove={() => void edit({ kind: "remove", stops: [chosen] })}
              onLock={(level) => void edit({ kind: "lock", stops: [chosen], level })}
              onPlaces={() => void ranked(chosen)}
              onWhy={() => void asked(chosen)}
            />
          )}
          {tried && <Tentative tried={tried.answer} busy={busy} onDo={(reason) => void edit(tried.command, reason)} onDrop={() => setTried(null)} />}
          {places && chosen !== null && (
            <section className="editing__card" data-places={places.length}>
              <h3>{t("edit.places")}</h3>
              {places.length === 0 && <p className="muted">{t("edit.no_place")}</p>}
              <ol>
                {places.map((place) => (
                  <li key={`${place.vehicle_id}/${place.position}`}>
                    <button type="button" className="editing__vehicle" onClick={() => void attempt({ kind: "move", stops: [chosen], vehicle: place.vehicle_id, position: place.position })}>
                      <span>{place.vehicle_id} · {t("edit.position", { position: place.position + 1 })}</span>
                      <span className="num">{signed(place.added_fen, language.language)}</span>
                      <span className="muted num">{t("edit.affected", { count: place.affected.length })}</span>
                    </button>
                  </li>
                ))}
              </ol>
            </section>
          )}
          {why && <Why why={why} />}
          {difference && (
            <section className="editing__card" data-difference={difference.routes.length}>
              <h3>{t("edit.difference")} <span className="num">{signed(difference.added_fen, language.language)}</span></h3>
              <Disturbance values={difference.disturbance} />
              <ul>
                {difference.routes.map((one) => (
                  <li key={one.vehicle_id}>{one.vehicle_id}: {t("edit.changes", { count: one.changes.length })}</li>
                ))}
              </ul>
            </section>
          )}
          {proposal && (
            <section className="editing__card" data-proposal={proposal.proposal_id}>
              <h3>{t("edit.proposal")}</h3>
              <p className="num">{formatYuan(proposal.chosen.cost_fen, language.language)} · {t("edit.gap", { percent: proposal.gap_percent })}</p>
              {!proposal.chosen.within_budget && <p className="chip chip--warn">{t("edit.over_budget")}</p>}
              <Disturbance values={proposal.chosen.disturbance} />
              <button type="button" className="button button--primary" disabled={busy || proposal.parts.length === 0} onClick={() => void change("accept", { proposal_id: proposal.proposal_id }).then(() => setProposal(null))}>{t("edit.accept")}</button>
              <ul>
                {proposal.parts.map((part, at) => (
                  <li key={part.vehicles.join()}>
                    <button type="button" className="button" disabled={busy} onClick={() => void change("accept", { proposal_id: proposal.proposal_id, parts: [at] })}>{t("edit.accept_part", { vehicles: part.vehicles.join(", ") })}</button>
                  </li>
                ))}
              </ul>
              <button type="button" className="button button--quiet" onClick={() => setProposal(null)}>{t("edit.drop")}</button>
            </section>
          )}
        </aside>
      </div>
    </main>
  );
}

function signed(fen: number, language: "zh-CN" | "en"): string {
  return `${fen > 0 ? "+" : ""}${formatYuan(fen, language)}`;
}

interface StopRowProps {
  stop: DraftStop;
  ahead: number;
  last: number;
  chosen: boolean;
  onChoose(): void;
  onMove(key: string, position: number): void;
}

/** One stop: dragged onto another it takes that place; Alt and an arrow key do the same without a mouse. */
function StopRow({ stop, ahead, last, chosen, onChoose, onMove }: StopRowProps) {
  const { t } = useLanguage();
  const onKeyDown = (event: KeyboardEvent) => {
    const to = event.key === "ArrowUp" ? ahead - 1 : event.key === "ArrowDown" ? ahead + 1 : null;
    if (!event.altKey || to === null || stop.done || to < 0 || to > last) return;
    event.preventDefault();
    onMove(stop.key, to);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    const key = event.dataTransfer.getData(DRAGGED);
    if (key !== "" && key !== stop.key) onMove(key, ahead);
  };
  return (
    <li>
      <button
        type="button"
        className="editing__stop"
        aria-pressed={chosen}
        aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
        data-stop={stop.key}
        draggable={!stop.done}
        onDragStart={(event) => event.dataTransfer.setData(DRAGGED, stop.key)}
        onDragOver={(event) => !stop.done && event.preventDefault()}
        onDrop={onDrop}
        onKeyDown={onKeyDown}
        onClick={onChoose}
        disabled={stop.done}
      >
        <span className="num">{stop.position + 1}</span>
        <span className="num">{formatDaySeconds(stop.start_s)}</span>
        <span>{stop.name}</span>
        {stop.lock !== "free" && <span className="chip" data-lock={stop.lock}>{t(`edit.lock.${stop.lock}`)}</span>}
        {stop.late_s > 0 && <span className="chip chip--danger num">{t("edit.late_by", { minutes: Math.ceil(stop.late_s / 60) })}</span>}
      </button>
    </li>
  );
}

interface ActionsProps {
  vehicles: readonly string[];
  here: string;
  lock: LockLevel;
  waits: boolean;
  busy: boolean;
  onTry(vehicle: string, position: number | null): void;
  onRemove(): void;
  onLock(level: LockLevel): void;
  onPlaces(): void;
  onWhy(): void;
}

/** What can be done with the chosen stop: the menu twin of dragging. */
function Actions(props: ActionsProps) {
  const { t } = useLanguage();
  const [vehicle, setVehicle] = useState(props.here);
  const [position, setPosition] = useState("");
  return (
    <section className="editing__card">
      <form
        className="editing__form"
        onSubmit={(event) => {
          event.preventDefault();
          props.onTry(vehicle, position === "" ? null : Number(position) - 1);
        }}
      >
        <label>
          {t("edit.move_to")}
          <select className="input" name="vehicle" value={vehicle} onChange={(event) => setVehicle(event.target.value)}>
            {props.vehicles.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          {t("edit.at")}
          <input className="input num" name="position" type="number" min={1} placeholder={t("edit.best")} value={position} onChange={(event) => setPosition(event.target.value)} />
        </label>
        <button type="submit" className="button button--primary" disabled={props.busy}>{t("edit.try")}</button>
      </form>
      <div className="editing__buttons">
        <button type="button" className="button" disabled={props.busy} onClick={props.onPlaces}>{t("edit.places")}</button>
        <button type="button" className="button" disabled={props.busy} onClick={props.onWhy}>{t("edit.why")}</button>
        {!props.waits && <button type="button" className="button" disabled={props.busy} onClick={props.onRemove}>{t("edit.remove")}</button>}
        {!props.waits && (
          <label>
            {t("edit.lock")}
            <select className="input" name="lock" value={props.lock} onChange={(event) => props.onLock(event.target.value as LockLevel)}>
              {LOCK_LEVELS.map((level) => (
                <option key={level} value={level}>{t(`edit.lock.${level}`)}</option>
              ))}
            </select>
          </label>
        )}
      </div>
    </section>
  );
}

/** What an edit would come to; one that breaks rules needs a reason. */
function Tentative({ tried, busy, onDo, onDrop }: { tried: EditAnswer; busy: boolean; onDo(reason: string): void; onDrop(): void }) {
  const { t, language } = useLanguage();
  const [reason, setReason] = useState("");
  const breaks = tried.new_flaws.length > 0;
  return (
    <section className="editing__card editing__card--try" data-tentative={breaks ? "breaks" : "keeps"}>
      <h3>{t("edit.tentative")} <span className="num" data-added={tried.added_fen}>{signed(tried.added_fen, language)}</span></h3>
      <ul>
        {tried.routes.map((one) => (
          <li key={one.vehicle_id} className="num">{one.vehicle_id}: {t("edit.stop_count", { count: one.stops })} · {formatYuan(one.cost_fen, language, true)}</li>
        ))}
        {tried.new_flaws.map((flaw) => (
          <li key={`${flaw.code}/${flaw.stop_key ?? ""}/${flaw.vehicle_id ?? ""}`} className="chip chip--danger">{t("edit.breaks", { rule: flaw.code, amount: flaw.amount })}</li>
        ))}
      </ul>
      {breaks && (
        <label>
          {t("edit.reason")}
          <input className="input" name="reason" value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
      )}
      <button type="button" className="button button--primary" disabled={busy || (breaks && reason.trim() === "")} onClick={() => onDo(breaks ? reason : "")}>{t(breaks ? "edit.override" : "edit.do")}</button>
      <button type="button" className="button button--quiet" onClick={onDrop}>{t("edit.drop")}</button>
    </section>
  );
}

function Disturbance({ values }: { values: Record<string, number> }) {
  const { t } = useLanguage();
  const names = ["moved_vehicle", "moved_order", "eta_shift", "couriers", "dropped"] as const;
  return (
    <dl className="editing__terms num">
      {names.map((name) => (
        <div key={name}>
          <dt>{t(`edit.term.${name}`)}</dt>
          <dd>{values[name] ?? 0}</dd>
        </div>
      ))}
    </dl>
  );
}

function Why({ why }: { why: Explanation }) {
  const { t, language } = useLanguage();
  return (
    <section className="editing__card" data-why={why.planned ? "planned" : "waiting"}>
      <h3>{t("edit.why")}</h3>
      <p>{language === "en" ? why.sentence_en : why.sentence_zh}</p>
      <ul>
        {why.alternatives.map((one) => (
          <li key={`${one.number}/${one.position}`} className="num">{t("edit.alternative", { number: one.number, position: one.position + 1 })} {signed(one.more_fen, language)}</li>
        ))}
        {why.reasons.map((one, at) => (
          <li key={`${one.code}/${at}`}>{one.code} <span className="muted">{t(one.certainty === "proved" ? "edit.proved" : "edit.likely")}</span></li>
        ))}
        {why.fixes.map((fix) => (
          <li key={fix.constraint} className="num">{t("edit.fix", { constraint: fix.constraint, change: `${fix.change} ${fix.unit}` })} {signed(fix.cost_fen, language)}</li>
        ))}
        {why.displaces.map((one) => (
          <li key={one.name}>{t("edit.displaces", { name: one.name })}</li>
        ))}
      </ul>
    </section>
  );
}
