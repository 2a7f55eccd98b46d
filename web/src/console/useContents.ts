import { useEffect, useRef, useState } from "react";

import type { RouteFigures } from "../api/types";
import type { RouteContent } from "./day";
import { loadRoute, plannedStops } from "./plan";

const AT_ONCE = 4;
const SHOW_EVERY_MS = 200;

/**
 * Stops and lines of all routes, fetched a few at a time and shown as they come.
 *
 * A route is immutable and keeps its id in every version that did not touch it, so what was fetched once is kept: after
 * an insertion only the touched route is asked for.
 */
export function useContents(versionId: string | null, routes: readonly RouteFigures[]): ReadonlyMap<string, RouteContent> {
  const kept = useRef(new Map<string, RouteContent>());
  const [shown, setShown] = useState<ReadonlyMap<string, RouteContent>>(new Map());

  useEffect(() => {
    if (versionId === null) return;
    const abort = new AbortController();
    const missing = routes.filter((route) => !kept.current.has(route.id));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      if (!abort.signal.aborted) setShown(new Map(kept.current));
    };
    const worker = async () => {
      for (let route = missing.shift(); route && !abort.signal.aborted; route = missing.shift()) {
        const found = await loadRoute(versionId, route.number, abort.signal);
        kept.current.set(route.id, { stops: plannedStops(found), line: (found.geometry as RouteContent["line"]) ?? null });
        timer ??= setTimeout(show, SHOW_EVERY_MS);
      }
    };
    Promise.all(Array.from({ length: AT_ONCE }, worker))
      .then(show)
      .catch(show); // the lists stay; the next event or reload asks again for what is missing
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [versionId, routes]);

  return shown;
}
