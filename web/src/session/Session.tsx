import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

import { api, answered } from "../api/client";
import { asProblem, type ProblemBody } from "../api/problem";
import type { Me } from "../api/types";

export type SessionState =
  | { state: "asking" }
  | { state: "out"; problem?: ProblemBody }
  | { state: "in"; me: Me };

export interface Session {
  current: SessionState;
  logIn(username: string, password: string): Promise<ProblemBody | null>;
  logOut(): Promise<void>;
  /** To be called when a request was refused for want of a login: shows the login again. */
  expired(): void;
}

const SessionContext = createContext<Session | null>(null);

/** Who is logged in. `remembered` lets a handheld start without network as the person who used it last. */
export function SessionProvider({ children, remembered }: { children: ReactNode; remembered?: MeStore }) {
  const [current, setCurrent] = useState<SessionState>({ state: "asking" });

  useEffect(() => {
    let gone = false;
    answered(api.GET("/api/v1/me"))
      .then((me) => {
        remembered?.write(me);
        if (!gone) setCurrent({ state: "in", me });
      })
      .catch((error: unknown) => {
        if (gone) return;
        const problem = asProblem(error);
        const last = problem.code === "offline" ? remembered?.read() : null;
        if (last) setCurrent({ state: "in", me: last });
        else setCurrent(problem.status === 401 ? { state: "out" } : { state: "out", problem });
      });
    return () => {
      gone = true;
    };
  }, [remembered]);

  const logIn = useCallback(
    async (username: string, password: string): Promise<ProblemBody | null> => {
      try {
        const opened = await answered(
          api.POST("/api/v1/session:login", { body: { username, password, cookie: true } }),
        );
        remembered?.write(opened.me);
        setCurrent({ state: "in", me: opened.me });
        return null;
      } catch (error) {
        return asProblem(error);
      }
    },
    [remembered],
  );

  const logOut = useCallback(async () => {
    try {
      await answered(api.POST("/api/v1/session:logout"));
    } catch {
      // The login may have run out already; on this screen it ends in any case.
    }
    remembered?.write(null);
    setCurrent({ state: "out" });
  }, [remembered]);

  const expired = useCallback(() => setCurrent({ state: "out" }), []);

  const value = useMemo(() => ({ current, logIn, logOut, expired }), [current, logIn, logOut, expired]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

export interface MeStore {
  read(): Me | null;
  write(me: Me | null): void;
}

export function useSession(): Session {
  const found = useContext(SessionContext);
  if (!found) throw new Error("useSession needs a SessionProvider around it");
  return found;
}
