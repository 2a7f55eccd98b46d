/**
 * Keeps the handheld's page on the phone, so that it opens without network. Data is not kept here: the day and the
 * outbox live in IndexedDB, and every request to the API goes to the network.
 */

declare const __SHELL__: string[];

const worker = self as unknown as ServiceWorkerGlobalScope;

const FILES: string[] = __SHELL__;
const CACHE = `cunda-handheld-${fingerprint(FILES.join())}`;
const PAGE = new URL("./", worker.location.href).href;
const SLOW_MS = 3_000;

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...FILES.map((file) => new URL(`../${file}`, PAGE).href)])),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(removeOlder());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== worker.location.origin) return;
  if (request.mode === "navigate") event.respondWith(freshPage(request));
  else if (new URL(request.url).pathname.includes("/assets/")) event.respondWith(keptFile(request));
});

/** The newest page when the network is quick, else the one on the phone. */
async function freshPage(request: Request): Promise<Response> {
  const kept = await caches.match(PAGE);
  if (!kept) return fetch(request);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(SLOW_MS) });
    return response.ok ? response : kept;
  } catch {
    return kept;
  }
}

/** Files are named by their content, so the kept one is always right. */
async function keptFile(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function removeOlder(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("cunda-handheld-") && name !== CACHE).map((name) => caches.delete(name)));
}

function fingerprint(text: string): string {
  let hash = 2166136261;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16777619);
  return (hash >>> 0).toString(36);
}

export {};
