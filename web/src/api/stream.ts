/**
 * Server-sent events read with `fetch`, so that every kind of event is heard (an `EventSource` needs a listener
 * per kind), the login is renewed when it runs out, and the position to go on from is ours to keep (API-09).
 */

export interface StreamEvent {
  id: string | null;
  kind: string;
  data: unknown;
}

export interface StreamOptions {
  url: string;
  /** Position to go on after; null begins with what the server begins with. */
  after: string | null;
  signal: AbortSignal;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  onEvent(event: StreamEvent): void;
  onState?(state: "open" | "waiting"): void;
  /** Kind of event after which the server ends the stream for good. */
  lastKind?: string;
  wait?(ms: number, signal: AbortSignal): Promise<void>;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

/** Listen until aborted or until the last event came; reconnects without loss in between. */
export async function listen(options: StreamOptions): Promise<void> {
  const wait = options.wait ?? pause;
  let position = options.after;
  let retry = FIRST_RETRY_MS;
  while (!options.signal.aborted) {
    try {
      const response = await options.fetch(options.url, {
        headers: { Accept: "text/event-stream", ...(position === null ? {} : { "Last-Event-ID": position }) },
        signal: options.signal,
        cache: "no-store",
      });
      if (response.status === 204 || (response.status >= 400 && response.status < 500 && response.status !== 429)) {
        return; // the server will not change its mind by being asked again
      }
      if (response.ok && response.body) {
        options.onState?.("open");
        retry = FIRST_RETRY_MS;
        for await (const event of readEvents(response.body)) {
          if (event.id !== null) position = event.id;
          options.onEvent(event);
          if (event.kind === options.lastKind) return;
        }
      }
    } catch (error) {
      if (options.signal.aborted) return;
      if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
    }
    options.onState?.("waiting");
    await wait(retry, options.signal);
    retry = Math.min(retry * 2, LONGEST_RETRY_MS);
  }
}

/** Cut a byte stream into events, as the HTML standard describes the format. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += decoder.decode(value, { stream: true }).replaceAll("\r\n", "\n");
      let end: number;
      while ((end = buffer.indexOf("\n\n")) >= 0) {
        const event = parseBlock(buffer.slice(0, end));
        buffer = buffer.slice(end + 2);
        if (event) yield event;
      }
    }
  } finally {
    reader.releaseLock();
  }
}

function parseBlock(block: string): StreamEvent | null {
  let id: string | null = null;
  let kind = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") id = value;
    else if (field === "event") kind = value;
    else if (field === "data") data.push(value);
  }
  if (data.length === 0) return null;
  return { id, kind, data: JSON.parse(data.join("\n")) as unknown };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
