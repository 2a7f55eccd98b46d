import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { api, answered } from "../../api/client";
import { explain as tell, type ProblemBody } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { Operation, Region } from "../../api/types";
import { Warning } from "../../design/icons";
import { useLanguage } from "../../i18n/language";
import { PlanRun } from "../PlanRun";
import type { Proposal } from "./draft";
import { DraftBar } from "./DraftBar";
import { DifferenceCard, ProposalCard, Variants } from "./Differences";
import "./editing.css";
import { EditMap } from "./EditMap";
import { RouteLists } from "./RouteLists";
import { Actions, PlacesCard, RouteActions, TrialCard, Why } from "./StopCards";
import { useDraft, type DraftWork } from "./useDraft";

export interface Names {
  /** A vehicle in the reader's words: route number, plate, courier. */
  vehicle(id: string): string;
  courier(id: string | null): string;
}

/** The edit loop: choose a stop on list or map, see what a move would come to, do it, take it back, compare, save. */
export function EditPlan({ region, day, shown = null }: { region: Region; day: string; shown?: string | null }) {
  const language = useLanguage();
  const { t } = language;
  const work = useDraft(region.name, day);
  const names = useNames(region.name, work);
  const [stop, setStop] = useState<string | null>(null);
  const [vehicle, setVehicle] = useState<string | null>(shown);
  const [opened, setOpened] = useState<readonly string[]>(shown === null ? [] : [shown]);
  const { draft, stopOf, closeAnswers } = work;

  const show = useCallback((id: string) => setOpened((before) => (before.includes(id) ? before : [...before, id])), []);
  const choose = useCallback(
    (key: string | null) => {
      setStop(key);
      closeAnswers();
      const at = key === null ? undefined : stopOf.get(key);
      if (!at) return;
      setVehicle(at.vehicle);
      show(at.vehicle);
    },
    [stopOf, closeAnswers, show],
  );
  const chooseVehicle = useCallback(
    (id: string | null) => {
      setVehicle(id);
      setStop(null);
      closeAnswers();
      if (id !== null) show(id);
    },
    [closeAnswers, show],
  );
  const fold = useCallback((id: string) => setOpened((before) => before.filter((one) => one !== id)), []);

  const onKey = useRef<(event: KeyboardEvent) => void>(() => undefined);
  onKey.current = (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "Escape" && !typing) work.closeAnswers();
    if (!(event.ctrlKey || event.metaKey) || work.busy || draft === null || typing) return;
    const back = event.key === "z" && !event.shiftKey;
    const again = event.key === "y" || (event.key === "Z" && event.shiftKey);
    if (back && draft.can_undo > 0) work.undo();
    if (again && draft.can_redo > 0) work.redo();
    if (back || again) event.preventDefault();
  };
  // On the window: after an edit the button that did it is gone, and the focus with it.
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => onKey.current(event);
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);

  const { optimised } = work;
  const latest = useRef(optimised);
  latest.current = optimised;
  const ended = useCallback((operation: Operation | null, problem: ProblemBody | null) => {
    latest.current((operation?.result as unknown as Proposal | null) ?? null, problem);
  }, []);

  if (draft === null) {
    return (
      <main className="empty">
        {work.problem ? <p role="alert">{tell(work.problem, language)}</p> : <p className="muted">{t(work.planless && !work.busy ? "edit.no_plan" : "edit.opening")}</p>}
      </main>
    );
  }
  const at = stop === null ? undefined : stopOf.get(stop);
  const waits = draft.waiting.some((one) => one.key === stop);
  return (
    <main className="editing" aria-busy={work.busy}>
      <DraftBar work={work} draft={draft} />
      {work.optimising !== null && <PlanRun operationId={work.optimising} onEnd={ended} />}
      {work.saved !== null && <p className="notice" role="status" data-saved={work.saved}>{t("edit.saved", { number: work.saved })}</p>}
      {work.problem && <p className="notice notice--danger" role="alert"><Warning /><span className="notice__body">{tell(work.problem, language)}</span></p>}
      <div className="editing__body">
        <RouteLists work={work} draft={draft} names={names} opened={opened} vehicle={vehicle} stop={stop} onVehicle={chooseVehicle} onFold={fold} onStop={choose} />
        <EditMap work={work} draft={draft} region={region} vehicle={vehicle} stop={stop} onVehicle={chooseVehicle} onStop={choose} />
        <aside className="editing__side" aria-label={t("edit.side")} aria-live="polite">
          {work.trial && <TrialCard work={work} trial={work.trial} names={names} />}
          {stop !== null && (at || waits) && (
            <Actions key={stop} work={work} draft={draft} names={names} stop={stop} at={at} />
          )}
          {work.places && work.places.stop === stop && <PlacesCard work={work} places={work.places} names={names} />}
          {work.why && <Why work={work} why={work.why} names={names} onStop={choose} />}
          {stop === null && vehicle !== null && <RouteActions key={vehicle} work={work} draft={draft} vehicle={vehicle} names={names} region={region.name} />}
          {work.proposal && <ProposalCard work={work} proposal={work.proposal} names={names} />}
          {work.comparison && <DifferenceCard work={work} comparison={work.comparison} names={names} onStop={choose} />}
          {work.variants && <Variants work={work} variants={work.variants} present={draft.id} />}
          {stop === null && vehicle === null && !work.proposal && !work.comparison && !work.variants && <p className="editing__hint muted">{t("edit.hint")}</p>}
        </aside>
      </div>
    </main>
  );
}

function useNames(region: string, work: DraftWork): Names {
  const fleet = useResource(`fleet/${region}`, (signal) => answered(api.GET("/api/v1/fleet", { params: { query: { region } }, signal })));
  const { data } = fleet;
  const { draft } = work;
  return useMemo<Names>(() => {
    const courier = (id: string | null) => (id === null ? "–" : (data?.couriers.find((one) => one.id === id)?.name ?? id));
    return {
      courier,
      vehicle: (id) => {
        const known = draft?.vehicles.find((one) => one.vehicle_id === id);
        const plate = data?.vehicles.find((one) => one.id === id)?.plate ?? id;
        const number = known && known.number > 0 ? `${known.number} · ` : "";
        return `${number}${plate} ${courier(known?.courier_id ?? null)}`;
      },
    };
  }, [data, draft]);
}

