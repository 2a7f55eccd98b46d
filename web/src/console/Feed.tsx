import { useEffect, useState } from "react";

import { api, answered } from "../api/client";
import { NoSignal, Signal } from "../design/icons";
import { formatClock } from "../i18n/format";
import { useLanguage } from "../i18n/language";

export interface FeedEntry {
  id: string;
  kind: string;
  at: string;
  /** What it is about, `kind:id`. */
  subject: string;
}

export interface FeedProps {
  entries: readonly FeedEntry[];
  connected: boolean;
  zone: string;
  nameParty(party: string): string;
  onParcel(key: string): void;
}

/** What happens while the page is open, newest first. */
export function Feed({ entries, connected, zone, nameParty, onParcel }: FeedProps) {
  const { t } = useLanguage();
  return (
    <div className="scroll">
      <p className="feed-state">
        <span className={connected ? "chip chip--good" : "chip chip--warn"} role="status">
          {connected ? <Signal /> : <NoSignal />}
          {t(connected ? "feed.open" : "feed.waiting")}
        </span>
      </p>
      {entries.length === 0 ? (
        <p className="empty">{t("feed.none")}</p>
      ) : (
        <ol aria-label={t("feed.title")} aria-live="polite">
          {entries.map((entry) => (
            <FeedRow key={entry.id} entry={entry} zone={zone} nameParty={nameParty} onParcel={onParcel} />
          ))}
        </ol>
      )}
    </div>
  );
}

function FeedRow({ entry, zone, nameParty, onParcel }: Pick<FeedProps, "zone" | "nameParty" | "onParcel"> & { entry: FeedEntry }) {
  const { find, language } = useLanguage();
  const [kind, id = ""] = entry.subject.split(/:(.*)/s);
  const parcelId = kind === "parcel" ? id : null;
  const about = useParcelLine(parcelId, nameParty);
  const what = find(`feed.${entry.kind}`) ?? find(entry.kind.replace(/^custody\./, "event.")) ?? entry.kind;
  return (
    <li className="feed-row feed-row--new" data-kind={entry.kind}>
      <span className="feed-row__time num">{formatClock(entry.at, zone, language)}</span>
      <span>{what}</span>
      {parcelId !== null && (
        <button type="button" className="feed-row__about num" onClick={() => onParcel(parcelId)}>
          {about}
        </button>
      )}
    </li>
  );
}

const REST_MS = 600;

/** Waybill and place of a parcel; asked for only when the row has stayed for a moment, so that a burst asks nothing. */
function useParcelLine(parcelId: string | null, nameParty: (party: string) => string): string {
  const [line, setLine] = useState("…");
  useEffect(() => {
    if (parcelId === null) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      answered(api.GET("/api/v1/parcels/{key}/custody", { params: { path: { key: parcelId } }, signal: abort.signal }))
        .then(({ items: [one] }) => one && setLine(`${one.waybill} · ${nameParty(one.where)}`))
        .catch(() => setLine(parcelId));
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [parcelId, nameParty]);
  return line;
}
