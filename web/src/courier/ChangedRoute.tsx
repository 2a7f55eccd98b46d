import { useState } from "react";

import { formatDaySeconds } from "../i18n/format";
import { useLanguage, type MessageKey } from "../i18n/language";
import type { CourierDay, RouteChange } from "./day";
import { Sheet } from "./OutcomeSheet";

/** A sign before each change, so that coming and going are seen before they are read. */
const SIGNS: Record<RouteChange["kind"], string> = {
  stop_added: "＋",
  parcels_added: "＋",
  stop_removed: "−",
  parcels_removed: "−",
  order_moved: "⇅",
  eta_moved: "◷",
};
const REASONS = ["road", "late", "full", "vehicle"] as const;

export interface ChangedRouteProps {
  known: CourierDay;
  fresh: CourierDay;
  refused: boolean;
  onAnswer(answer: "accepted" | "refused", reason: string): void;
}

/** The difference between the route the courier drives and the one he is asked to drive, with both answers. */
export function ChangedRoute({ known, fresh, refused, onAnswer }: ChangedRouteProps) {
  const { t } = useLanguage();
  const [refusing, setRefusing] = useState(false);
  const arrival = (day: CourierDay, change: RouteChange) => day.stops.find((stop) => stop.name === change.name && stop.label === change.label)?.arrivalS;
  if (refused) {
    return (
      <div className="hand__pad">
        <p className="notice notice--warn changed changed--refused" role="status">{t("changed.refused")}</p>
      </div>
    );
  }
  return (
    <div className="hand__pad">
      <section className="card changed" role="alert" aria-label={t("changed.title")}>
        <h2>{t("changed.title")}</h2>
        <p className="num">{t("changed.finish", { before: formatDaySeconds(known.endS), after: formatDaySeconds(fresh.endS) })}</p>
        <ul>
          {fresh.changes.map((change, at) => {
            const before = arrival(known, change);
            const after = arrival(fresh, change);
            return (
              <li key={at} className={`changed__row changed__row--${change.kind}`} data-change={change.kind}>
                <span className="changed__sign" aria-hidden="true">{SIGNS[change.kind]}</span>
                <span>
                  <strong className="num">{change.label}</strong> {change.name}
                  <br />
                  {change.kind === "eta_moved" && before !== undefined && after !== undefined
                    ? t("changed.eta", { before: formatDaySeconds(before), after: formatDaySeconds(after) })
                    : t(`changed.${change.kind}`, { parcels: change.parcels, minutes: Math.round(change.shiftS / 60) })}
                </span>
              </li>
            );
          })}
        </ul>
        <button type="button" className="button button--primary button--large" onClick={() => onAnswer("accepted", "")}>
          {t("changed.accept")}
        </button>
        <button type="button" className="button button--large" data-refuse onClick={() => setRefusing(true)}>
          {t("changed.refuse")}
        </button>
      </section>
      {refusing && (
        <RefusalSheet
          onRefuse={(reason) => {
            setRefusing(false);
            onAnswer("refused", reason);
          }}
          onCancel={() => setRefusing(false)}
        />
      )}
    </div>
  );
}

/** Why not: a usual reason, or words of one's own; without one nothing is sent. */
function RefusalSheet({ onRefuse, onCancel }: { onRefuse(reason: string): void; onCancel(): void }) {
  const { t } = useLanguage();
  const [chosen, setChosen] = useState<string | null>(null);
  const [words, setWords] = useState("");
  const usual = chosen === null ? "" : t(`changed.reason.${chosen}` as MessageKey);
  const reason = [usual, words.trim()].filter(Boolean).join(" · ");
  return (
    <Sheet title={t("changed.why")} onCancel={onCancel}>
      <div className="choices" role="radiogroup" aria-label={t("changed.why")}>
        {REASONS.map((one) => (
          <button key={one} type="button" role="radio" className="choice" aria-checked={one === chosen} onClick={() => setChosen(one === chosen ? null : one)}>
            {t(`changed.reason.${one}`)}
          </button>
        ))}
      </div>
      <label className="field">
        <span>{t("changed.words")}</span>
        <input className="input" name="words" maxLength={200} value={words} onChange={(event) => setWords(event.target.value)} />
      </label>
      <button type="button" className="button button--primary button--large" disabled={reason === ""} onClick={() => onRefuse(reason)}>
        {t("changed.send_refusal")}
      </button>
    </Sheet>
  );
}
