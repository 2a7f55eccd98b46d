import "fake-indexeddb/auto";

import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it } from "vitest";

import { openDatabase } from "./database";
import { Outbox, type Act, type OutboxRow, type Send, type Verdict } from "./outbox";

const act = (parcelId: string): Act => ({
  type: "delivered",
  parcelId,
  day: "2026-11-21",
  planVersionId: "version-1",
});

const storedAll: Send = (rows) => Promise.resolve(rows.map((row) => ({ eventId: row.eventId, status: "stored" })));

let factory: IDBFactory;
let database: IDBDatabase;

beforeEach(async () => {
  factory = new IDBFactory();
  database = await openDatabase("test", factory);
});

describe("outbox of the handheld", () => {
  it("hh_01 gives an event its id at the act and keeps it over every retry", async () => {
    const outbox = new Outbox(database, "user-1");
    const row = await outbox.record(act("p1"));
    const seen: string[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      await outbox.flush((rows) => {
        seen.push(...rows.map((sent) => sent.eventId));
        return Promise.resolve([]);
      });
    }
    expect(row.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(seen).toEqual([row.eventId, row.eventId, row.eventId]);
  });

  it("hh_01 counts upwards within one store id, also after the page was closed", async () => {
    const first = await new Outbox(database, "user-1").record(act("p1"));
    database.close();
    database = await openDatabase("test", factory);
    const second = await new Outbox(database, "user-1").record(act("p2"));
    expect(second.store).toBe(first.store);
    expect([first.seq, second.seq]).toEqual([1, 2]);
  });

  it("hh_02 stores the event together with what the screen shows", async () => {
    const outbox = new Outbox(database, "user-1");
    const row = await outbox.record(act("p1"));
    expect(await outbox.outcomes()).toMatchObject([{ parcelId: "p1", eventId: row.eventId, state: "waiting" }]);
  });

  it("hh_03 lets a row go only when the answer names that row", async () => {
    const outbox = new Outbox(database, "user-1");
    const kept = await outbox.record(act("p1"));
    const named = await outbox.record(act("p2"));
    const counts = await outbox.flush((rows) =>
      Promise.resolve(rows.filter((row) => row.eventId === named.eventId).map((row) => ({ eventId: row.eventId, status: "stored" as const }))),
    );
    expect(counts.waiting).toBe(1);
    expect((await outbox.rows()).map((row) => row.eventId)).toEqual([kept.eventId]);
  });

  it("hh_03 ignores verdicts about rows that were not sent", async () => {
    const outbox = new Outbox(database, "user-1");
    await outbox.record(act("p1"));
    await outbox.flush(() => Promise.resolve([{ eventId: "another", status: "stored" }]));
    expect((await outbox.counts()).waiting).toBe(1);
  });

  it("hh_04 keeps a refused row with its reason until somebody deals with it", async () => {
    const outbox = new Outbox(database, "user-1");
    const row = await outbox.record(act("p1"));
    const refuse: Send = (rows) =>
      Promise.resolve(rows.map((sent): Verdict => ({ eventId: sent.eventId, status: "refused", problem: { code: "parcel_unknown", status: 404 } })));
    expect(await outbox.flush(refuse)).toMatchObject({ waiting: 0, refused: 1 });
    expect(await outbox.flush(storedAll)).toMatchObject({ refused: 1 });
    expect((await outbox.rows())[0]?.problem?.code).toBe("parcel_unknown");
    await outbox.dismiss(row.eventId);
    expect(await outbox.rows()).toEqual([]);
    expect(await outbox.outcomes()).toEqual([]);
  });

  it("hh_10 hides one person's rows from another who logs in on the same phone", async () => {
    await new Outbox(database, "user-1").record(act("p1"));
    const other = new Outbox(database, "user-2");
    expect(await other.rows()).toEqual([]);
    const sent: OutboxRow[] = [];
    await other.flush((rows) => {
      sent.push(...rows);
      return storedAll(rows);
    });
    expect(sent).toEqual([]);
    expect((await new Outbox(database, "user-1").counts()).waiting).toBe(1);
  });

  it("keeps everything when the network fails in the middle", async () => {
    const outbox = new Outbox(database, "user-1");
    await outbox.record(act("p1"));
    await expect(outbox.flush(() => Promise.reject(new TypeError("no network")))).rejects.toThrow("no network");
    expect((await outbox.counts()).waiting).toBe(1);
    expect(await outbox.flush(storedAll)).toMatchObject({ waiting: 0 });
  });

  it("sends again what was recorded while a batch was on its way", async () => {
    const outbox = new Outbox(database, "user-1");
    await outbox.record(act("p1"));
    let late: Promise<unknown> | undefined;
    const counts = await outbox.flush(async (rows) => {
      if (!late) {
        await outbox.record(act("p2"));
        late = outbox.flush(storedAll);
      }
      return storedAll(rows);
    });
    await late;
    expect(counts.waiting).toBe(0);
  });

  it("hh_16 loses nothing and doubles nothing over 200 random days of dropped answers and closed pages", async () => {
    const random = seeded(16);
    for (let day = 0; day < 200; day++) await oneUnluckyDay(random, day);
  }, 60_000);
});

/** Acts, flushes whose answers get lost before or after the commit, and pages closed at any moment. */
async function oneUnluckyDay(random: () => number, day: number): Promise<void> {
  const server = new Map<string, OutboxRow>();
  const dayFactory = new IDBFactory();
  let base = await openDatabase("day", dayFactory);
  let outbox = new Outbox(base, "user-1");
  const done: string[] = [];
  const send: Send = (rows) => {
    if (random() < 0.25) return Promise.reject(new TypeError("request lost"));
    const verdicts: Verdict[] = rows.map((row) => {
      const status = server.has(row.eventId) ? "duplicate" : "stored";
      server.set(row.eventId, row);
      return { eventId: row.eventId, status };
    });
    if (random() < 0.3) return Promise.reject(new TypeError("answer lost"));
    return Promise.resolve(verdicts.filter(() => random() > 0.2));
  };
  const acts = 1 + Math.floor(random() * 4);
  for (let at = 0; at < acts; at++) {
    done.push((await outbox.record(act(`parcel-${day}-${at}`))).eventId);
    const flushing = outbox.flush(send).catch(() => undefined);
    if (random() < 0.3) {
      base.close(); // the page is closed while sending
      base = await openDatabase("day", dayFactory);
      outbox = new Outbox(base, "user-1");
    }
    await flushing;
  }
  while ((await outbox.flush(send).catch(() => outbox.counts())).waiting > 0);
  expect([...server.keys()].sort()).toEqual(done.sort());
  expect(await outbox.rows()).toEqual([]);
  base.close();
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
