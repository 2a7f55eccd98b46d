/**
 * The courier's outbox: a fact is kept from the act until the server names its id (rules HH-01 to HH-05, HH-10).
 *
 * A row and what the screen shows change in one transaction. A row leaves only when an answer names *its* id as
 * stored or duplicate; an id that is missing from an answer stays, and a refused one stays visible with its reason.
 */

import { newId } from "../api/client";
import type { ProblemBody } from "../api/problem";
import { result, STORES, transact } from "./database";

export type OutcomeType = "delivered" | "deposited" | "collected" | "attempted";

/** What a courier does with a parcel. */
export interface Act {
  type: OutcomeType;
  parcelId: string;
  /** Day of the plan the courier drives by, and the version on the screen (HH-12). */
  day: string;
  planVersionId: string;
  cause?: string;
  nextAction?: string;
  nextOn?: string;
}

export interface OutboxRow extends Act {
  eventId: string;
  actor: string;
  store: string;
  seq: number;
  /** The phone's clock at the act, and how far the server's was ahead of it as last known (HH-06). */
  madeAt: string;
  clockOffsetMs: number;
  state: "pending" | "refused";
  problem?: ProblemBody;
}

/** What was done with a parcel on this phone; `waiting` until the server has it. */
export interface Outcome {
  actor: string;
  parcelId: string;
  eventId: string;
  type: OutcomeType;
  at: string;
  state: "waiting" | "sent" | "refused";
  cause?: string;
  nextAction?: string;
}

export type Verdict =
  | { eventId: string; status: "stored" | "duplicate" }
  | { eventId: string; status: "refused"; problem: ProblemBody };

/** Sends rows and returns a verdict for each the server spoke about. */
export type Send = (rows: readonly OutboxRow[]) => Promise<readonly Verdict[]>;

export interface OutboxCounts {
  waiting: number;
  refused: number;
  oldest: string | null;
}

export const BATCH = 100;

export class Outbox {
  private flushing: Promise<OutboxCounts> | null = null;
  private again = false;

  constructor(
    private readonly database: IDBDatabase,
    private readonly actor: string,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Keep an act; when this resolves, it is on the phone's disk. */
  record(act: Act): Promise<OutboxRow> {
    return transact(this.database, [STORES.meta, STORES.events, STORES.outcomes], "readwrite", async (transaction) => {
      const meta = transaction.objectStore(STORES.meta);
      const store = ((await result(meta.get("store"))) as string | undefined) ?? newId(this.now().getTime());
      const seq = (((await result(meta.get("seq"))) as number | undefined) ?? 0) + 1;
      const clockOffsetMs = ((await result(meta.get("offset"))) as number | undefined) ?? 0;
      const made = this.now();
      const row: OutboxRow = {
        ...act,
        eventId: newId(made.getTime()),
        actor: this.actor,
        store,
        seq,
        madeAt: made.toISOString(),
        clockOffsetMs,
        state: "pending",
      };
      meta.put(store, "store");
      meta.put(seq, "seq");
      transaction.objectStore(STORES.events).add(row);
      const outcome: Outcome = {
        actor: this.actor,
        parcelId: act.parcelId,
        eventId: row.eventId,
        type: act.type,
        at: row.madeAt,
        state: "waiting",
        ...(act.cause === undefined ? {} : { cause: act.cause }),
        ...(act.nextAction === undefined ? {} : { nextAction: act.nextAction }),
      };
      transaction.objectStore(STORES.outcomes).put(outcome);
      return row;
    });
  }

  /** This person's rows, oldest first; another login on the phone neither sees nor sends them. */
  rows(): Promise<OutboxRow[]> {
    return transact(this.database, [STORES.events], "readonly", (transaction) => {
      const mine = IDBKeyRange.bound([this.actor, 0], [this.actor, Number.MAX_SAFE_INTEGER]);
      return result(transaction.objectStore(STORES.events).index("by_actor").getAll(mine)) as Promise<OutboxRow[]>;
    });
  }

  outcomes(): Promise<Outcome[]> {
    return transact(this.database, [STORES.outcomes], "readonly", (transaction) => {
      const mine = IDBKeyRange.bound([this.actor, ""], [this.actor, "\uffff"]);
      return result(transaction.objectStore(STORES.outcomes).getAll(mine)) as Promise<Outcome[]>;
    });
  }

  async counts(): Promise<OutboxCounts> {
    const rows = await this.rows();
    const waiting = rows.filter((row) => row.state === "pending");
    return { waiting: waiting.length, refused: rows.length - waiting.length, oldest: waiting[0]?.madeAt ?? null };
  }

  /** Send what waits, batch after batch, until nothing moves any more. Calls that overlap share one run. */
  flush(send: Send): Promise<OutboxCounts> {
    if (this.flushing) {
      this.again = true;
      return this.flushing;
    }
    this.flushing = this.drain(send).finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  private async drain(send: Send): Promise<OutboxCounts> {
    do {
      this.again = false;
      let moved = true;
      while (moved) {
        const batch = (await this.rows()).filter((row) => row.state === "pending").slice(0, BATCH);
        if (batch.length === 0) break;
        const settled = await this.settle(batch, await send(batch));
        moved = settled > 0;
      }
    } while (this.again);
    return this.counts();
  }

  /** Apply the server's verdicts, to the rows they name and to no other. */
  private settle(batch: readonly OutboxRow[], verdicts: readonly Verdict[]): Promise<number> {
    const sent = new Map(batch.map((row) => [row.eventId, row]));
    return transact(this.database, [STORES.events, STORES.outcomes], "readwrite", async (transaction) => {
      const events = transaction.objectStore(STORES.events);
      const outcomes = transaction.objectStore(STORES.outcomes);
      let settled = 0;
      for (const verdict of verdicts) {
        const row = sent.get(verdict.eventId);
        if (!row) continue;
        if (verdict.status === "refused") events.put({ ...row, state: "refused", problem: verdict.problem });
        else events.delete(row.eventId);
        const key = [this.actor, row.parcelId];
        const outcome = (await result(outcomes.get(key))) as Outcome | undefined;
        if (outcome?.eventId === row.eventId) {
          outcomes.put({ ...outcome, state: verdict.status === "refused" ? "refused" : "sent" });
        }
        settled += 1;
      }
      return settled;
    });
  }

  /** Remember how far the server's clock is ahead of the phone's. */
  learnOffset(offsetMs: number): Promise<void> {
    return transact(this.database, [STORES.meta], "readwrite", (transaction) => {
      transaction.objectStore(STORES.meta).put(offsetMs, "offset");
      return Promise.resolve();
    });
  }

  /** Take a refused row away once the courier has dealt with it. */
  dismiss(eventId: string): Promise<void> {
    return transact(this.database, [STORES.events, STORES.outcomes], "readwrite", async (transaction) => {
      const events = transaction.objectStore(STORES.events);
      const row = (await result(events.get(eventId))) as OutboxRow | undefined;
      if (row?.actor !== this.actor || row.state !== "refused") return;
      events.delete(eventId);
      const outcomes = transaction.objectStore(STORES.outcomes);
      const outcome = (await result(outcomes.get([this.actor, row.parcelId]))) as Outcome | undefined;
      if (outcome?.eventId === eventId) outcomes.delete([this.actor, row.parcelId]);
    });
  }
}
