/** The handheld's own database: facts not yet acknowledged, what was done here, and the day for valleys without signal. */

export const STORES = { meta: "meta", events: "events", outcomes: "outcomes", days: "days" } as const;

const VERSION = 1;

export function openDatabase(name = "cunda-handheld", factory: IDBFactory = indexedDB): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION);
    request.onupgradeneeded = () => {
      const database = request.result;
      database.createObjectStore(STORES.meta);
      const events = database.createObjectStore(STORES.events, { keyPath: "eventId" });
      events.createIndex("by_actor", ["actor", "seq"]);
      database.createObjectStore(STORES.outcomes, { keyPath: ["actor", "parcelId"] });
      database.createObjectStore(STORES.days);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the phone's database does not open"));
  });
}

/** Run reads and writes as one transaction; resolves only after it is on the disk. */
export function transact<T>(
  database: IDBDatabase,
  stores: readonly string[],
  mode: IDBTransactionMode,
  work: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  const transaction = database.transaction([...stores], mode, { durability: "strict" });
  return new Promise<T>((resolve, reject) => {
    let outcome: { value: T } | undefined;
    transaction.oncomplete = () => {
      if (outcome) resolve(outcome.value);
      else reject(new Error("the transaction ended before its work"));
    };
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was undone"));
    work(transaction).then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        reject(error instanceof Error ? error : new Error(String(error)));
        try {
          transaction.abort();
        } catch {
          // It had ended already.
        }
      },
    );
  });
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the phone's database refused"));
  });
}
