/** Where the reader is, kept in the address after `#`, so that a reload or a sent link shows the same. */

import { useCallback, useEffect, useState } from "react";

export interface Place {
  region: string | null;
  day: string | null;
  route: string | null;
  stop: string | null;
  /** What is shown instead of the day's plan, for example `activity`. */
  view: string | null;
}

const NAMES = ["region", "day", "route", "stop", "view"] as const;

export function readPlace(hash: string): Place {
  const found = new URLSearchParams(hash.replace(/^#/, ""));
  const day = found.get("day");
  return {
    region: found.get("region"),
    day: day !== null && /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : null,
    route: found.get("route"),
    stop: found.get("stop"),
    view: found.get("view"),
  };
}

export function writePlace(place: Place): string {
  const params = new URLSearchParams();
  for (const name of NAMES) {
    const value = place[name];
    if (value !== null) params.set(name, value);
  }
  return `#${params.toString()}`;
}

export function usePlace(): [Place, (change: Partial<Place>) => void] {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const changed = () => setPlace(readPlace(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  const go = useCallback((change: Partial<Place>) => {
    setPlace((before) => {
      const next = { ...before, ...change };
      history.replaceState(null, "", writePlace(next));
      return next;
    });
  }, []);
  return [place, go];
}
