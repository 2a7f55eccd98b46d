import { useEffect, useRef, useState } from "react";

import { dayAfter } from "../i18n/format";
import { useLanguage, type MessageKey } from "../i18n/language";

/** Causes a courier meets at the door, most frequent first; the office has the full list. */
const CAUSES = [
  "NOBODY_HOME",
  "NO_ANSWER",
  "REFUSED",
  "RESCHEDULED_BY_RECIPIENT",
  "ADDRESS_UNCLEAR",
  "PHONE_INVALID",
  "STATION_CLOSED",
  "LOCKER_FULL",
  "PACKAGING_DAMAGED",
  "NOT_FOUND_IN_VEHICLE",
  "ROAD_CLOSED",
  "OUT_OF_TIME",
] as const;

/** What usually follows a cause (product.md 4.5); the courier may choose otherwise. */
const USUAL_NEXT: Partial<Record<(typeof CAUSES)[number], NextAction>> = {
  REFUSED: "return",
  ADDRESS_UNCLEAR: "investigate",
  PHONE_INVALID: "investigate",
  PACKAGING_DAMAGED: "investigate",
  NOT_FOUND_IN_VEHICLE: "investigate",
};

const NEXT_ACTIONS = ["redeliver", "self_pickup", "hold", "return", "investigate"] as const;
type NextAction = (typeof NEXT_ACTIONS)[number];

export interface Failure {
  cause: string;
  nextAction: string;
  nextOn?: string;
}

/** Why it failed, what comes next and when: all three, always (M-12). */
export function FailureSheet({ day, count, onDone, onCancel }: { day: string; count: number; onDone(failure: Failure): void; onCancel(): void }) {
  const { t } = useLanguage();
  const [cause, setCause] = useState<(typeof CAUSES)[number] | null>(null);
  const [next, setNext] = useState<NextAction>("redeliver");
  const [on, setOn] = useState(dayAfter(day, 1));
  return (
    <Sheet title={t("outcome.failed_title", { count })} onCancel={onCancel}>
      <div className="choices" role="radiogroup" aria-label={t("outcome.cause")}>
        {CAUSES.map((code) => (
          <Choice
            key={code}
            checked={cause === code}
            onChoose={() => {
              setCause(code);
              setNext(USUAL_NEXT[code] ?? "redeliver");
            }}
          >
            {t(`cause.${code}`)}
          </Choice>
        ))}
      </div>
      {cause !== null && (
        <>
          <h3>{t("outcome.next")}</h3>
          <div className="choices" role="radiogroup" aria-label={t("outcome.next")}>
            {NEXT_ACTIONS.map((action) => (
              <Choice key={action} checked={next === action} onChoose={() => setNext(action)}>
                {t(`action.${action}` as MessageKey)}
              </Choice>
            ))}
          </div>
          {next === "redeliver" && (
            <label className="field">
              <span>{t("outcome.on")}</span>
              <input className="input" type="date" min={day} value={on} onChange={(event) => setOn(event.target.value)} />
            </label>
          )}
          <button
            type="button"
            className="button button--primary button--large"
            disabled={next === "redeliver" && on === ""}
            onClick={() => onDone({ cause, nextAction: next, ...(next === "redeliver" ? { nextOn: on } : {}) })}
          >
            {t("outcome.confirm_failed", { count })}
          </button>
        </>
      )}
    </Sheet>
  );
}

/** The second of two taps. */
export function ConfirmSheet({ title, confirm, children, onDone, onCancel }: { title: string; confirm: string; children?: React.ReactNode; onDone(): void; onCancel(): void }) {
  return (
    <Sheet title={title} onCancel={onCancel}>
      {children}
      <button type="button" className="button button--primary button--large" autoFocus onClick={onDone}>
        {confirm}
      </button>
    </Sheet>
  );
}

export function Sheet({ title, children, onCancel }: { title: string; children: React.ReactNode; onCancel(): void }) {
  const { t } = useLanguage();
  const card = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    if (!card.current?.contains(document.activeElement)) card.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <div className="sheet" onClick={(event) => event.target === event.currentTarget && onCancel()}>
      <div
        ref={card}
        className="sheet__card"
        role="dialog"
        aria-modal="true"
        aria-label={title}
        tabIndex={-1}
        onKeyDown={(event) => event.key === "Escape" && onCancel()}
      >
        <h2>{title}</h2>
        {children}
        <button type="button" className="button button--large" onClick={onCancel}>
          {t("outcome.cancel")}
        </button>
      </div>
    </div>
  );
}

function Choice({ checked, onChoose, children }: { checked: boolean; onChoose(): void; children: React.ReactNode }) {
  return (
    <button type="button" role="radio" aria-checked={checked} className="choice" onClick={onChoose}>
      {children}
    </button>
  );
}
