import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { asProblem, type ProblemBody } from "../api/problem";
import { dayAfter } from "../i18n/format";
import type { Me } from "../api/types";
import { Answers, type Answer } from "./answers";
import { openDatabase, result, STORES, transact } from "./database";
import { doneKind, type CourierDay, type CourierParcel, type CourierStop } from "./day";
import { Outbox, type Outcome, type OutboxCounts, type OutboxRow } from "./outbox";
import type { Failure } from "./OutcomeSheet";
import { fetchDay, postAnswer, sender, today } from "./server";

const POLL_MS = 20_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

export interface Handheld {
  day: CourierDay | null;
  /** A newer state of the day that the courier has not accepted yet. */
  fresh: CourierDay | null;
  loading: boolean;
  online: boolean;
  problem: ProblemBody | null;
  rows: readonly OutboxRow[];
  counts: OutboxCounts;
  outcomes: ReadonlyMap<string, Outcome>;
  done: ReadonlySet<string>;
  record(stop: CourierStop, type: "done" | "failed", parcels: readonly CourierParcel[], failure?: Failure): Promise<void>;
  /** Whether the courier has refused the newer state; the dispatcher sees it. */
  refused: boolean;
  answer(answer: Answer["answer"], reason: string): void;
  send(): void;
  reload(): void;
  dismiss(eventId: string): Promise<void>;
  waybillOf(parcelId: string): string;
}

const NO_COUNTS: OutboxCounts = { waiting: 0, refused: 0, oldest: null };

/** The handheld of one person: the day, the outbox, and what keeps both in step with the server. */
export function useHandheld(me: Me): Handheld {
  const [database, setDatabase] = useState<IDBDatabase | null>(null);
  const [day, setDay] = useState<CourierDay | null>(null);
  const [fresh, setFresh] = useState<CourierDay | null>(null);
  const [loading, setLoading] = useState(true);
  const [online, setOnline] = useState(navigator.onLine);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const [rows, setRows] = useState<OutboxRow[]>([]);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const shown = useRef<CourierDay | null>(null);
  const newest = useRef<CourierDay | null>(null);
  const retryMs = useRef(FIRST_RETRY_MS);

  useEffect(() => {
    let opened: IDBDatabase | null = null;
    openDatabase()
      .then((found) => {
        opened = found;
        setDatabase(found);
      })
      .catch((error: unknown) => setProblem(asProblem(error)));
    void navigator.storage?.persist?.(); // HH-08: the phone may say no; the outbox works in either case
    return () => opened?.close();
  }, []);

  const answers = useMemo(() => new Answers(localStorage, me.user_id), [me.user_id]);
  const outbox = useMemo(() => (database ? new Outbox(database, me.user_id) : null), [database, me.user_id]);

  const show = useCallback(
    (next: CourierDay | null) => {
      shown.current = next;
      newest.current = next;
      setDay(next);
      setFresh(null);
      if (database && next) void keepDay(database, me.user_id, next);
    },
    [database, me.user_id],
  );

  const refresh = useCallback(async () => {
    if (!outbox) return;
    setRows(await outbox.rows());
    setOutcomes(await outbox.outcomes());
  }, [outbox]);

  const flush = useCallback(async () => {
    if (!outbox) return;
    try {
      await outbox.flush(sender((offsetMs) => void outbox.learnOffset(offsetMs)));
      await answers.flush(postAnswer);
      setOnline(true);
      retryMs.current = FIRST_RETRY_MS;
    } catch (error) {
      if (asProblem(error).code === "offline") setOnline(false);
      retryMs.current = Math.min(retryMs.current * 2, LONGEST_RETRY_MS);
    }
    await refresh();
  }, [outbox, answers, refresh]);

  const pull = useCallback(async () => {
    try {
      const answer = await pullNext(await today(), newest.current, shown.current);
      setOnline(true);
      setProblem(null);
      if (answer === "same") return;
      if (answer === null) {
        show(null);
      } else if (shown.current === null || shown.current.day !== answer.day || shown.current.routeId === answer.routeId) {
        show(answer); // outcomes and statuses may differ; the route itself is the one the courier knows
      } else {
        newest.current = answer;
        setFresh(answer);
      }
    } catch (error) {
      const found = asProblem(error);
      if (found.code === "offline") setOnline(false);
      setProblem(found);
    } finally {
      setLoading(false);
    }
  }, [show]);

  // Start: what the phone has, then what the server says.
  useEffect(() => {
    if (!database) return;
    void (async () => {
      const kept = await keptDay(database, me.user_id);
      if (kept) {
        shown.current = kept;
        newest.current = kept;
        setDay(kept);
      }
      await refresh();
      await pull();
      await flush();
    })();
  }, [database, me.user_id, refresh, pull, flush]);

  // Later: by timer, when the network is back, when the page comes to the front (HH-07).
  useEffect(() => {
    if (!outbox) return;
    let timer: ReturnType<typeof setTimeout>;
    let ended = false;
    const turn = async () => {
      await flush();
      await pull();
      const waiting = (await outbox.counts()).waiting + answers.waiting > 0;
      if (!ended) timer = setTimeout(() => void turn(), waiting ? Math.min(retryMs.current, POLL_MS) : POLL_MS);
    };
    const now = () => {
      if (document.visibilityState !== "visible") return;
      retryMs.current = FIRST_RETRY_MS;
      clearTimeout(timer);
      void turn();
    };
    const lost = () => setOnline(false);
    timer = setTimeout(() => void turn(), POLL_MS);
    addEventListener("online", now);
    addEventListener("offline", lost);
    document.addEventListener("visibilitychange", now);
    return () => {
      ended = true;
      clearTimeout(timer);
      removeEventListener("online", now);
      removeEventListener("offline", lost);
      document.removeEventListener("visibilitychange", now);
    };
  }, [outbox, answers, flush, pull]);

  const record = useCallback<Handheld["record"]>(
    async (stop, type, parcels, failure) => {
      if (!outbox || !shown.current) return;
      const driven = shown.current;
      for (const parcel of parcels) {
        await outbox.record({
          type: type === "failed" ? "attempted" : doneKind(stop, parcel),
          parcelId: parcel.id,
          day: driven.day,
          planVersionId: driven.planVersionId,
          ...(failure ?? {}),
        });
      }
      await refresh();
      void flush();
    },
    [outbox, refresh, flush],
  );

  const answer = useCallback<Handheld["answer"]>(
    (said, reason) => {
      if (!fresh) return;
      answers.give({ day: fresh.day, routeId: fresh.routeId, answer: said, reason, seen: shown.current?.planVersionId ?? null });
      if (said === "accepted") show(fresh);
      else setFresh({ ...fresh }); // looked at again: it is refused now
      void flush();
    },
    [fresh, answers, show, flush],
  );

  const dismiss = useCallback(
    async (eventId: string) => {
      await outbox?.dismiss(eventId);
      await refresh();
    },
    [outbox, refresh],
  );

  const byParcel = useMemo(() => new Map(outcomes.map((one) => [one.parcelId, one])), [outcomes]);
  const done = useMemo(() => doneParcels(day, byParcel), [day, byParcel]);
  const counts = useMemo(() => countRows(rows), [rows]);
  const waybillOf = useCallback(
    (parcelId: string) =>
      day?.stops.flatMap((stop) => stop.parcels).find((parcel) => parcel.id === parcelId)?.waybill ?? parcelId.slice(-8),
    [day],
  );

  return {
    day,
    fresh,
    loading,
    online,
    problem,
    rows,
    counts,
    outcomes: byParcel,
    done,
    record,
    refused: fresh !== null && answers.isRefused(fresh.routeId),
    answer,
    send: () => void flush(),
    reload: () => void pull(),
    dismiss,
    waybillOf,
  };
}

/** Pull today's route; a courier without one today sees tomorrow's, once it is published. */
async function pullNext(first: string, newest: CourierDay | null, shown: CourierDay | null): Promise<CourierDay | "same" | null> {
  for (const day of [first, dayAfter(first, 1)]) {
    const answer = await fetchDay({
      day,
      etag: newest?.day === day ? newest.etag : null,
      seen: shown?.day === day ? shown.planVersionId : null,
    });
    if (answer !== null) return answer;
  }
  return null;
}

/** Parcels that need nothing more: done on this phone, or known to the server as done. */
function doneParcels(day: CourierDay | null, outcomes: ReadonlyMap<string, Outcome>): ReadonlySet<string> {
  const done = new Set<string>();
  for (const parcel of day?.stops.flatMap((stop) => stop.parcels) ?? []) {
    if (parcel.finished) done.add(parcel.id);
  }
  for (const outcome of outcomes.values()) {
    if (outcome.state !== "refused") done.add(outcome.parcelId);
  }
  return done;
}

function countRows(rows: readonly OutboxRow[]): OutboxCounts {
  const waiting = rows.filter((row) => row.state === "pending");
  if (rows.length === 0) return NO_COUNTS;
  return { waiting: waiting.length, refused: rows.length - waiting.length, oldest: waiting[0]?.madeAt ?? null };
}

async function keptDay(database: IDBDatabase, actor: string): Promise<CourierDay | null> {
  const found = await transact(database, [STORES.days], "readonly", (transaction) =>
    result(transaction.objectStore(STORES.days).get(actor)),
  );
  return (found as CourierDay | undefined) ?? null;
}

function keepDay(database: IDBDatabase, actor: string, day: CourierDay): Promise<IDBValidKey> {
  return transact(database, [STORES.days], "readwrite", (transaction) =>
    result(transaction.objectStore(STORES.days).put(day, actor)),
  );
}
