import { NoSignal, Signal } from "../design/icons";
import { formatClock } from "../i18n/format";
import { useLanguage } from "../i18n/language";

export interface FeedEntry {
  id: string;
  kind: string;
  at: string;
  about: string;
}

export interface FeedProps {
  entries: readonly FeedEntry[];
  connected: boolean;
  zone: string;
}

/** What happens while the page is open, newest first. */
export function Feed({ entries, connected, zone }: FeedProps) {
  const { t, find, language } = useLanguage();
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
            <li key={entry.id} className="feed-row feed-row--new">
              <span className="feed-row__time num">{formatClock(entry.at, zone, language)}</span>
              <span>{find(`feed.${entry.kind}`) ?? find(entry.kind.replace(/^custody\./, "event.")) ?? entry.kind}</span>
              {entry.about !== "" && <span className="feed-row__about num">{entry.about}</span>}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
