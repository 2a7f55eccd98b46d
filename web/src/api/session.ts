/**
 * Requests of the logged-in person. The tokens are in cookies that scripts cannot read; when the short one has
 * run out, it is renewed once and the request is repeated.
 *
 * A renewal token serves once, and a second use ends the session. All tabs of this browser therefore renew one
 * after another, and each first tries whether another tab has renewed already.
 */

const REFRESH = "/api/v1/session:refresh";
const LOCK = "cunda.session";

let renewing: Promise<boolean> | null = null;

export async function sessionFetch(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(request);
  if (response.status !== 401 || isSessionRoute(request.url)) return response;
  const renewed = await renewOnce();
  return renewed ? fetch(again) : response;
}

export function sessionFetchUrl(url: string, init: RequestInit): Promise<Response> {
  return sessionFetch(new Request(new URL(url, location.href), init));
}

function isSessionRoute(url: string): boolean {
  return new URL(url).pathname.startsWith("/api/v1/session:");
}

function renewOnce(): Promise<boolean> {
  renewing ??= exclusively(renew).finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renew(): Promise<boolean> {
  if (await someoneRenewed()) return true;
  const response = await fetch(REFRESH, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });
  return response.ok;
}

async function someoneRenewed(): Promise<boolean> {
  const response = await fetch("/api/v1/me", { cache: "no-store" });
  return response.ok;
}

/** Run alone among the tabs of this browser, where it offers locks (secure origins); else alone in this tab. */
async function exclusively(work: () => Promise<boolean>): Promise<boolean> {
  if ("locks" in navigator) return await navigator.locks.request(LOCK, work);
  return work();
}
