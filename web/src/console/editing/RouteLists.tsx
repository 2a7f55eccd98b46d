import { useEffect, useRef, type DragEvent, type KeyboardEvent } from "react";

import { ChevronDown, ChevronRight } from "../../design/icons";
import { formatDaySeconds, formatYuan } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import { RouteBadge } from "../RouteBadge";
import type { Draft, DraftStop, Vehicle } from "./draft";
import type { Names } from "./EditPlan";
import type { DraftWork } from "./useDraft";

const DRAGGED = "application/x-cunda-stop";

export interface RouteListsProps {
  work: DraftWork;
  draft: Draft;
  names: Names;
  opened: readonly string[];
  vehicle: string | null;
  stop: string | null;
  onVehicle(vehicle: string): void;
  onFold(vehicle: string): void;
  onStop(stop: string | null): void;
}

/** Every vehicle and what waits; unfolded ones with their stops, which can be dragged to any place of any list. */
export function RouteLists(props: RouteListsProps) {
  const { work, draft, names, opened, onVehicle } = props;
  const { t, find, language } = useLanguage();
  const planned = draft.vehicles.filter((one) => one.in_service && one.stops > 0).sort((a, b) => a.number - b.number);
  const idle = draft.vehicles.filter((one) => one.in_service && one.stops === 0);
  return (
    <section className="editing__lists" aria-label={t("edit.vehicles")}>
      {draft.waiting.length > 0 && (
        <details className="editing__waiting" open>
          <summary>{t("edit.waiting")} <span className="chip chip--warn num">{draft.waiting.length}</span></summary>
          <ul>
            {draft.waiting.map((one) => (
              <li key={one.key}>
                <button type="button" className="editing__stop" aria-pressed={one.key === props.stop} data-waiting={one.key} draggable onDragStart={(event) => event.dataTransfer.setData(DRAGGED, one.key)} onClick={() => props.onStop(one.key === props.stop ? null : one.key)}>
                  <span className="editing__stop-name">{one.name}</span>
                  <span className="muted">{find(`reason.${one.reason.code}`, {}) ?? (language === "en" ? one.reason.sentence_en : one.reason.sentence_zh)}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
      <ul className="editing__vehicles">
        {planned.map((one) => (
          <VehicleRow key={one.vehicle_id} {...props} one={one} unfolded={opened.includes(one.vehicle_id)} />
        ))}
      </ul>
      {idle.length > 0 && (
        <details className="editing__idle">
          <summary>{t("edit.idle", { count: idle.length })}</summary>
          <ul>
            {idle.map((one) => (
              <li key={one.vehicle_id}>
                <button type="button" className="editing__vehicle" aria-pressed={one.vehicle_id === props.vehicle} data-vehicle={one.vehicle_id} onClick={() => onVehicle(one.vehicle_id)} {...dropOn(one.vehicle_id, null, work)}>
                  {names.vehicle(one.vehicle_id)}
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

/** What makes a row a place to drop a stop on: it takes that position, or the best one of the vehicle. */
function dropOn(vehicle: string, position: number | null, work: DraftWork) {
  return {
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      const key = event.dataTransfer.getData(DRAGGED);
      if (key !== "") tryMove(work, key, vehicle, position);
    },
  };
}

export function tryMove(work: DraftWork, key: string, vehicle: string, position: number | null): void {
  const where = position === null ? { vehicle } : { vehicle, position };
  work.attempt(work.stopOf.has(key) ? { kind: "move", stops: [key], ...where } : { kind: "insert", stop: key, ...where });
}

function VehicleRow(props: RouteListsProps & { one: Vehicle; unfolded: boolean }) {
  const { one, unfolded, work, names, vehicle, onVehicle, onFold } = props;
  const { t, language } = useLanguage();
  const stops = work.shapes.get(one.vehicle_id)?.stops ?? [];
  const done = stops.filter((stop) => stop.done).length;
  return (
    <li>
      <button
        type="button"
        className="editing__vehicle"
        aria-expanded={unfolded}
        data-chosen={one.vehicle_id === vehicle}
        data-vehicle={one.vehicle_id}
        onClick={() => (unfolded && one.vehicle_id === vehicle ? onFold(one.vehicle_id) : onVehicle(one.vehicle_id))}
        {...dropOn(one.vehicle_id, null, work)}
      >
        {unfolded ? <ChevronDown /> : <ChevronRight />}
        <RouteBadge number={one.number} />
        <span className="editing__vehicle-name">{names.vehicle(one.vehicle_id).replace(/^\d+ · /, "")}</span>
        {one.locked && <span className="chip" data-route-lock="sequence">{t("edit.lock.sequence")}</span>}
        {one.violations > 0 && <span className="chip chip--danger num">{t("edit.broken", { count: one.violations })}</span>}
        <span className="muted num">{t("edit.stop_count", { count: one.stops })} · {formatYuan(one.cost_fen, language, true)} · {one.end_s === null ? "" : formatDaySeconds(one.end_s)}</span>
      </button>
      {unfolded && (
        <ol aria-label={t("edit.route")}>
          {stops.map((stop) => (
            <StopRow key={stop.key} {...props} stopHere={stop} ahead={stop.position - done} last={stops.length - done - 1} />
          ))}
        </ol>
      )}
    </li>
  );
}

interface StopRowProps extends RouteListsProps {
  one: Vehicle;
  stopHere: DraftStop;
  ahead: number;
  last: number;
}

/** One stop: dragged onto another it takes that place; Alt and an arrow key do the same without a mouse. */
function StopRow({ work, one, stopHere, ahead, last, stop, onStop }: StopRowProps) {
  const { t } = useLanguage();
  const row = useRef<HTMLButtonElement>(null);
  const chosen = stopHere.key === stop;
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = event.key === "ArrowUp" ? ahead - 1 : event.key === "ArrowDown" ? ahead + 1 : null;
    if (!event.altKey || to === null || stopHere.done || to < 0 || to > last) return;
    event.preventDefault();
    if (!chosen) onStop(stopHere.key);
    tryMove(work, stopHere.key, one.vehicle_id, to);
  };
  return (
    <li>
      <button
        ref={row}
        type="button"
        className="editing__stop"
        aria-pressed={chosen}
        aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
        data-stop={stopHere.key}
        draggable={!stopHere.done}
        onDragStart={(event) => event.dataTransfer.setData(DRAGGED, stopHere.key)}
        onKeyDown={onKeyDown}
        onClick={() => onStop(chosen ? null : stopHere.key)}
        disabled={stopHere.done}
        {...(stopHere.done ? {} : dropOn(one.vehicle_id, ahead, work))}
      >
        <span className="num editing__stop-number">{stopHere.position + 1}</span>
        <span className="num">{formatDaySeconds(stopHere.start_s)}</span>
        <span className="editing__stop-name">{stopHere.name}</span>
        {stopHere.lock !== "free" && <span className="chip" data-lock={stopHere.lock}>{t(`edit.lock.${stopHere.lock}`)}</span>}
        {stopHere.late_s > 0 && <span className="chip chip--danger num">{t("edit.late_by", { minutes: Math.ceil(stopHere.late_s / 60) })}</span>}
      </button>
    </li>
  );
}
