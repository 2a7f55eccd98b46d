import type { Feature, FeatureCollection } from "geojson";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { asProblem, type ProblemBody } from "../../api/problem";
import { loadVersion } from "../plan";
import {
  ask, shapesOf, type Command, type Comparison, type Difference, type Draft, type DraftHead, type DraftStop,
  type EditAnswer, type Explanation, type Place, type Proposal, type Shape, type Tagged,
} from "./draft";

/** An edit that is looked at before it is done, with the drives it would make. */
export interface Trial {
  command: Command;
  answer: EditAnswer;
  before: readonly Feature[];
  after: readonly Feature[];
}

/** One of the drafts a dispatcher has open on the same version, for comparing them side by side. */
export interface Variant extends DraftHead {
  copied_from: string | null;
}

export interface DraftWork {
  draft: Draft | null;
  shapes: ReadonlyMap<string, Shape>;
  stopOf: ReadonlyMap<string, { stop: DraftStop; vehicle: string }>;
  busy: boolean;
  /** Nothing to edit: the day has no plan yet. */
  planless: boolean;
  problem: ProblemBody | null;
  trial: Trial | null;
  places: { stop: string; items: readonly Place[] } | null;
  why: Explanation | null;
  comparison: Comparison | null;
  proposal: Proposal | null;
  proposed: readonly Feature[];
  optimising: string | null;
  variants: readonly Variant[] | null;
  saved: number | null;
  attempt(command: Command): void;
  dropTrial(): void;
  edit(command: Command, reason?: string): void;
  undo(): void;
  redo(): void;
  rank(stop: string): void;
  explain(stop: string): void;
  closeAnswers(): void;
  compare(against?: string, name?: string): void;
  closeComparison(): void;
  optimise(): void;
  optimised(proposal: Proposal | null, problem: ProblemBody | null): void;
  showPart(part: number | null): void;
  accept(parts?: readonly number[]): void;
  dropProposal(): void;
  showVariants(): void;
  copy(name: string): void;
  open(draftId: string): void;
  save(publish: boolean): void;
}

const NO_FEATURES: readonly Feature[] = [];

/** A draft and all that can be asked of it; every request goes through `guard`, so that a problem is always told. */
export function useDraft(region: string, day: string): DraftWork {
  const [draft, setDraft] = useState<Tagged<Draft> | null>(null);
  const [shapes, setShapes] = useState<ReadonlyMap<string, Shape>>(new Map());
  const [busy, setBusy] = useState(false);
  const [planless, setPlanless] = useState(false);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const [places, setPlaces] = useState<DraftWork["places"]>(null);
  const [why, setWhy] = useState<Explanation | null>(null);
  const [comparison, setComparison] = useState<Comparison | null>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [proposed, setProposed] = useState(NO_FEATURES);
  const [optimising, setOptimising] = useState<string | null>(null);
  const [variants, setVariants] = useState<readonly Variant[] | null>(null);
  const [saved, setSaved] = useState<number | null>(null);
  const asking = useRef(0);
  const id = draft?.data.id ?? "";

  const guard = useCallback(async (act: () => Promise<void>, signal?: AbortSignal) => {
    asking.current += 1;
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      if (!signal?.aborted) setProblem(asProblem(error));
    } finally {
      asking.current -= 1;
      setBusy(asking.current > 0);
    }
  }, []);

  const closeAnswers = useCallback(() => {
    setTrial(null);
    setPlaces(null);
    setWhy(null);
  }, []);

  /** Read the draft and its drives; only the touched ones when they are known. */
  const read = useCallback(async (draftId: string, touched?: readonly string[]) => {
    const some = touched?.map((one) => `vehicle=${encodeURIComponent(one)}`).join("&");
    const [found, map] = await Promise.all([
      ask<Draft>(`/drafts/${draftId}`),
      ask<FeatureCollection>(`/drafts/${draftId}/map${some ? `?${some}` : ""}`),
    ]);
    const fresh = shapesOf(map.data);
    setShapes((before) => {
      if (touched === undefined) return fresh;
      const kept = [...before].filter(([vehicle]) => !touched.includes(vehicle));
      return new Map([...kept, ...fresh]);
    });
    setDraft(found);
  }, []);

  const open = useCallback(
    (draftId: string) =>
      void guard(async () => {
        closeAnswers();
        setComparison(null);
        setProposal(null);
        setSaved(null);
        await read(draftId);
      }),
    [guard, read, closeAnswers],
  );

  useEffect(() => {
    const abort = new AbortController();
    void guard(async () => {
      const version = await loadVersion(region, day, abort.signal);
      if (abort.signal.aborted) return;
      setPlanless(version === null);
      if (version === null) return;
      const { planId, versionId } = version.facts;
      const list = await ask<{ items: { id: string; state: string; base_version_id: string }[] }>(`/plans/${planId}/drafts`);
      const known = list.data.items.find((one) => one.state === "open" && one.base_version_id === versionId);
      const draftId = known?.id ?? (await ask<Draft>(`/versions/${versionId}/drafts`, { body: {} })).data.id;
      if (!abort.signal.aborted) await read(draftId);
    }, abort.signal);
    return () => abort.abort();
  }, [region, day, guard, read]);

  const linesOf = useCallback(
    (vehicles: readonly string[]): Feature[] =>
      vehicles.flatMap((vehicle) => {
        const line = shapes.get(vehicle)?.line;
        return line ? [{ type: "Feature" as const, geometry: line, properties: { vehicle_id: vehicle } }] : [];
      }),
    [shapes],
  );

  const drawn = useCallback(
    async (orders: Record<string, readonly string[]>): Promise<readonly Feature[]> =>
      (await ask<FeatureCollection>(`/drafts/${id}:draw`, { body: { orders } })).data.features,
    [id],
  );

  const attempt = (command: Command) =>
    void guard(async () => {
      const { data: answer } = await ask<EditAnswer>(`/drafts/${id}:try`, { body: { command } });
      const orders = Object.fromEntries(
        answer.routes.map((one) => [one.vehicle_id, one.route.filter((stop) => !stop.done).map((stop) => stop.key)]),
      );
      setWhy(null);
      setTrial({ command, answer, before: linesOf(answer.touched), after: await drawn(orders) });
    });

  const change = (path: string, body: unknown) =>
    guard(async () => {
      const { data } = await ask<EditAnswer>(`/drafts/${id}:${path}`, { body, etag: draft?.etag ?? "" });
      closeAnswers();
      setComparison(null);
      // A lock touches no route, but shows on its stops.
      await read(id, data.touched.length > 0 ? data.touched : undefined);
    });

  const compare = (against = "base", name = "") =>
    void guard(async () => {
      const { data: difference } = await ask<Difference>(`/drafts/${id}/diff?against=${encodeURIComponent(against)}`);
      const changed = new Set(difference.routes.map((one) => one.vehicle_id));
      const path = against === "base" ? `/versions/${draft?.data.base_version_id}/map` : `/drafts/${against}/map`;
      const { data: map } = await ask<FeatureCollection>(path);
      const before = map.features.filter(
        (one) => one.geometry.type !== "Point" && changed.has(one.properties?.["vehicle_id"] as string),
      );
      setTrial(null);
      setComparison({ against, name, difference, before });
    });

  const showVariants = useCallback(
    () =>
      void guard(async () => {
        const list = await ask<{ items: { id: string; state: string; base_version_id: string }[] }>(
          `/plans/${draft?.data.plan_id}/drafts`,
        );
        const same = list.data.items.filter((one) => one.state === "open" && one.base_version_id === draft?.data.base_version_id);
        const found = await Promise.all(same.map((one) => ask<Variant>(`/drafts/${one.id}`)));
        setVariants(found.map((one) => one.data));
      }),
    [guard, draft],
  );

  const showPart = (found: Proposal | null, part: number | null) =>
    void guard(async () => {
      const parts = found === null ? [] : part === null ? found.parts : found.parts.slice(part, part + 1);
      setProposed(parts.length === 0 ? NO_FEATURES : await drawn(Object.assign({}, ...parts.map((one) => one.orders))));
    });

  const stopOf = useMemo(() => {
    const found = new Map<string, { stop: DraftStop; vehicle: string }>();
    for (const [vehicle, shape] of shapes) for (const stop of shape.stops) found.set(stop.key, { stop, vehicle });
    return found;
  }, [shapes]);

  return {
    draft: draft?.data ?? null,
    shapes,
    stopOf,
    busy,
    planless,
    problem,
    trial,
    places,
    why,
    comparison,
    proposal,
    proposed,
    optimising,
    variants,
    saved,
    attempt,
    dropTrial: () => setTrial(null),
    edit: (command, reason = "") => void change("edit", { command, reason, override: reason !== "" }),
    undo: () => void change("undo", {}),
    redo: () => void change("redo", {}),
    rank: (stop) =>
      void guard(async () => {
        const { data } = await ask<{ items: Place[] }>(`/drafts/${id}/places?stop=${encodeURIComponent(stop)}&limit=8`);
        setPlaces({ stop, items: data.items });
      }),
    explain: (stop) =>
      void guard(async () => setWhy((await ask<Explanation>(`/drafts/${id}/explanation?stop=${encodeURIComponent(stop)}`)).data)),
    closeAnswers,
    compare,
    closeComparison: () => setComparison(null),
    optimise: () =>
      void guard(async () => {
        const started = await ask<{ id: string }>(`/drafts/${id}:optimize`, { body: { budget: { dropped: 0 } } });
        setProposal(null);
        setOptimising(started.data.id);
      }),
    optimised: (found, wrong) => {
      setOptimising(null);
      if (wrong) setProblem(wrong);
      setProposal(found);
      showPart(found, null);
    },
    showPart: (part) => showPart(proposal, part),
    accept: (parts) =>
      void change("accept", { proposal_id: proposal?.proposal_id, ...(parts ? { parts } : {}) }).then(() => {
        setProposed(NO_FEATURES);
        setProposal((before) => (before && parts ? without(before, parts) : null));
      }),
    dropProposal: () => {
      setProposal(null);
      setProposed(NO_FEATURES);
    },
    showVariants,
    copy: (name) =>
      void guard(async () => {
        const made = await ask<Draft>(`/drafts/${id}:copy`, { body: { name } });
        setVariants(null);
        await read(made.data.id);
      }),
    open,
    save: (publish) =>
      void guard(async () => {
        const made = await ask<{ number: number }>(`/drafts/${id}:save`, { body: { publish, reason: "" }, etag: draft?.etag ?? "" });
        setSaved(made.data.number);
      }),
  };
}

/** What is left of a proposal after some parts were accepted; null when nothing is. Parts keep their numbers. */
function without(proposal: Proposal, accepted: readonly number[]): Proposal | null {
  const parts = proposal.parts.map((part, at) => (accepted.includes(at) ? { ...part, vehicles: [] } : part));
  return parts.some((part) => part.vehicles.length > 0) ? { ...proposal, parts } : null;
}
