import { useEffect, useState } from "react";

import { api, answered } from "../api/client";
import type { Operation } from "../api/types";
import { asProblem, type ProblemBody } from "../api/problem";
import { sessionFetchUrl } from "../api/session";
import { listen } from "../api/stream";
import { formatYuan } from "../i18n/format";
import { useLanguage } from "../i18n/language";

export interface PlanRunProps {
  operationId: string;
  onEnd(operation: Operation | null, problem: ProblemBody | null): void;
}

interface Seen {
  stage: string;
  done: number;
  total: number | null;
  bestCostFen: number | null;
}

const START: Seen = { stage: "", done: 0, total: null, bestCostFen: null };

/** A plan being made: its stage, how far, the best cost so far, and a way to stop it. */
export function PlanRun({ operationId, onEnd }: PlanRunProps) {
  const { t, find, language } = useLanguage();
  const [seen, setSeen] = useState<Seen>(START);
  const [stopping, setStopping] = useState(false);

  useEffect(() => {
    const abort = new AbortController();
    setSeen(START);
    setStopping(false);
    const finish = async () => {
      const params = { path: { operation_id: operationId } };
      const operation = await answered(api.GET("/api/v1/operations/{operation_id}", { params }));
      if (!abort.signal.aborted) onEnd(operation, (operation.problem as ProblemBody | null) ?? null);
    };
    listen({
      url: `/api/v1/operations/${encodeURIComponent(operationId)}/events`,
      after: null,
      signal: abort.signal,
      fetch: sessionFetchUrl,
      lastKind: "done",
      onEvent: (event) => {
        if (event.kind === "progress") setSeen((before) => merge(before, event.data as Record<string, unknown>));
      },
    })
      .then(() => (abort.signal.aborted ? undefined : finish()))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) onEnd(null, asProblem(error));
      });
    return () => abort.abort();
  }, [operationId, onEnd]);

  async function stop() {
    setStopping(true);
    await answered(api.POST("/api/v1/operations/{operation_id}:cancel", { params: { path: { operation_id: operationId } } })).catch(
      () => setStopping(false),
    );
  }

  const share = seen.total ? Math.min(seen.done / seen.total, 1) : null;
  return (
    <div className="run" role="status">
      <span className="run__stage">{seen.stage === "" ? t("run.waiting") : (find(`stage.${seen.stage}`) ?? seen.stage)}</span>
      <span
        className="run__bar"
        role="progressbar"
        aria-label={t("run.title")}
        {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100), "aria-valuemin": 0, "aria-valuemax": 100 })}
      >
        <span className={share === null ? "run__fill run__fill--open" : "run__fill"} style={share === null ? {} : { width: `${share * 100}%` }} />
      </span>
      {seen.bestCostFen !== null && (
        <span className="num">{t("run.best", { cost: formatYuan(seen.bestCostFen, language, true) })}</span>
      )}
      <span className="head__gap" />
      <button type="button" className="button" onClick={() => void stop()} disabled={stopping}>
        {t("run.cancel")}
      </button>
    </div>
  );
}

function merge(before: Seen, told: Record<string, unknown>): Seen {
  const number = (name: string) => (typeof told[name] === "number" ? told[name] : undefined);
  const text = (name: string) => (typeof told[name] === "string" ? told[name] : undefined);
  return {
    stage: text("stage") ?? before.stage,
    done: number("done") ?? before.done,
    total: "total" in told ? (number("total") ?? null) : before.total,
    bestCostFen: number("best_cost_fen") ?? before.bestCostFen,
  };
}
