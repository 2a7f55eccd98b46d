import { Check, Cross, Late } from "../design/icons";
import { formatDaySeconds } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { openParcels, type CourierStop } from "./day";
import type { Outcome } from "./outbox";

export interface StopListProps {
  stops: readonly CourierStop[];
  done: ReadonlySet<string>;
  outcomes: ReadonlyMap<string, Outcome>;
  onStop(stopId: string): void;
}

/** The whole day in driving order: to do, done, failed, waiting to be sent (HH-24). */
export function StopList({ stops, done, outcomes, onStop }: StopListProps) {
  const { t } = useLanguage();
  return (
    <ol aria-label={t("hand.list")}>
      {stops.map((stop) => {
        const finished = openParcels(stop, done).length === 0;
        const results = stop.parcels.flatMap((parcel) => outcomes.get(parcel.id) ?? []);
        const failed = results.filter((one) => one.type === "attempted").length;
        const waiting = results.filter((one) => one.state === "waiting").length;
        return (
          <li key={stop.id}>
            <button
              type="button"
              className={finished ? "list-stop list-stop--done" : "list-stop"}
              onClick={() => onStop(stop.id)}
              data-stop={stop.id}
            >
              <span className="list-stop__label num">{stop.label}</span>
              <span className="num">{formatDaySeconds(stop.arrivalS)}</span>
              <span className="list-stop__name">{stop.name}</span>
              <span className="list-stop__state">
                {waiting > 0 && (
                  <span className="chip chip--warn">
                    <Late />
                    {t("hand.unsent", { count: waiting })}
                  </span>
                )}
                {failed > 0 && (
                  <span className="chip chip--danger">
                    <Cross />
                    {t("hand.failed", { count: failed })}
                  </span>
                )}
                {finished && failed === 0 && (
                  <span className="chip chip--good">
                    <Check />
                    {t("hand.done")}
                  </span>
                )}
                {!finished && <span className="chip num">{t("routes.parcels", { count: openParcels(stop, done).length })}</span>}
              </span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
