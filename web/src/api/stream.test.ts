import { describe, expect, it } from "vitest";

import { listen, type StreamEvent } from "./stream";

function answer(...chunks: string[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

describe("server-sent events", () => {
  it("api_09 go on after the last event when the connection breaks", async () => {
    const asked: (string | null)[] = [];
    const heard: StreamEvent[] = [];
    const answers = [
      answer("retry: 2000\n\n", "id: 7\nevent: plan.published\nda", 'ta: {"a":1}\n\n: still here\n\n'),
      answer('id: 8\r\nevent: done\r\ndata: {"state":"succeeded"}\r\n\r\n'),
    ];
    await listen({
      url: "/stream",
      after: "5",
      signal: new AbortController().signal,
      fetch: (_url, init) => {
        asked.push(new Headers(init.headers).get("Last-Event-ID"));
        return Promise.resolve(answers.shift() ?? new Response(null, { status: 204 }));
      },
      onEvent: (event) => heard.push(event),
      lastKind: "done",
      wait: () => Promise.resolve(),
    });
    expect(asked).toEqual(["5", "7"]);
    expect(heard).toEqual([
      { id: "7", kind: "plan.published", data: { a: 1 } },
      { id: "8", kind: "done", data: { state: "succeeded" } },
    ]);
  });

  it("try again after the network failed, and stop when the login is gone", async () => {
    let turn = 0;
    await listen({
      url: "/stream",
      after: null,
      signal: new AbortController().signal,
      fetch: () => {
        turn += 1;
        return turn < 3 ? Promise.reject(new TypeError("offline")) : Promise.resolve(new Response(null, { status: 401 }));
      },
      onEvent: () => undefined,
      wait: () => Promise.resolve(),
    });
    expect(turn).toBe(3);
  });
});
