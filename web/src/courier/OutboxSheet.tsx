import { explain } from "../api/problem";
import { Warning } from "../design/icons";
import { formatClock } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import type { OutboxRow } from "./outbox";
import { Sheet } from "./OutcomeSheet";

export interface OutboxSheetProps {
  rows: readonly OutboxRow[];
  waybillOf(parcelId: string): string;
  zone: string;
  onSend(): void;
  onDismiss(eventId: string): void;
  onClose(): void;
}

/** What this phone has not been able to hand over, with the reason where there is one (HH-04, HH-14). */
export function OutboxSheet({ rows, waybillOf, zone, onSend, onDismiss, onClose }: OutboxSheetProps) {
  const language = useLanguage();
  const { t } = language;
  return (
    <Sheet title={t("outbox.title")} onCancel={onClose}>
      {rows.length === 0 ? (
        <p>{t("outbox.empty")}</p>
      ) : (
        <>
          <button type="button" className="button button--primary button--large" onClick={onSend}>
            {t("outbox.send")}
          </button>
          <ul>
            {rows.map((row) => (
              <li key={row.eventId} className="outbox-row">
                <span>
                  <span className="num muted">{formatClock(row.madeAt, zone, language.language)}</span>{" "}
                  {t(`outcome.word.${row.type}`)} <span className="num">{waybillOf(row.parcelId)}</span>
                </span>
                {row.problem && (
                  <>
                    <span className="notice notice--danger" role="alert">
                      <Warning />
                      <span className="notice__body">{explain(row.problem, language)}</span>
                    </span>
                    <button type="button" className="button" onClick={() => onDismiss(row.eventId)}>
                      {t("outbox.dismiss")}
                    </button>
                  </>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Sheet>
  );
}
