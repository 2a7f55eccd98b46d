import { useCallback, useEffect, useRef, useState } from "react";

import { asProblem, type ProblemBody } from "./problem";

export interface Resource<T> {
  data: T | null;
  problem: ProblemBody | null;
  loading: boolean;
  reload(): void;
}

interface Kept<T> {
  key: string | null;
  data: T | null;
  problem: ProblemBody | null;
  loading: boolean;
}

/**
 * Something fetched, named by a key: another key starts anew, `reload` keeps what is shown until the answer is here.
 * A null key fetches nothing.
 */
export function useResource<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [kept, setKept] = useState<Kept<T>>({ key, data: null, problem: null, loading: key !== null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    if (key === null) {
      setKept({ key, data: null, problem: null, loading: false });
      return;
    }
    const abort = new AbortController();
    setKept((before) =>
      before.key === key ? { ...before, loading: true } : { key, data: null, problem: null, loading: true },
    );
    latest
      .current(abort.signal)
      .then((data) => {
        if (!abort.signal.aborted) setKept({ key, data, problem: null, loading: false });
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        setKept((before) => ({
          key,
          data: before.key === key ? before.data : null,
          problem: asProblem(error),
          loading: false,
        }));
      });
    return () => abort.abort();
  }, [key, turn]);

  const reload = useCallback(() => setTurn((count) => count + 1), []);
  const fresh = kept.key === key;
  return {
    data: fresh ? kept.data : null,
    problem: fresh ? kept.problem : null,
    loading: fresh ? kept.loading : key !== null,
    reload,
  };
}
