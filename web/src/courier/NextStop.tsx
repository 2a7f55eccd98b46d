import { useEffect, useMemo, useState } from "react";

import { Check, Collect, Parcel as ParcelIcon } from "../design/icons";
import { formatClock, formatDaySeconds, formatKg, formatYuan } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { doneKind, openParcels, type CourierParcel, type CourierStop } from "./day";
import { ConfirmSheet, FailureSheet, type Failure } from "./OutcomeSheet";

export interface NextStopProps {
  stop: CourierStop;
  day: string;
  zone: string;
  done: ReadonlySet<string>;
  /** Parcels chosen by a scan; null leaves the choice as it is. */
  scanned: string | null;
  onDone(parcels: readonly CourierParcel[]): Promise<void>;
  onFailed(parcels: readonly CourierParcel[], failure: Failure): Promise<void>;
}

/** The stop at hand: what, where, when, and its outcome in two taps. */
export function NextStop(props: NextStopProps) {
  const { t, find, language } = useLanguage();
  const { stop } = props;
  const open = useMemo(() => openParcels(stop, props.done), [stop, props.done]);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<"done" | "failed" | null>(null);

  useEffect(() => setLeft(new Set()), [stop.id]);
  useEffect(() => {
    const scanned = props.scanned;
    if (scanned !== null && open.some((parcel) => parcel.id === scanned)) {
      setLeft(new Set(open.filter((parcel) => parcel.id !== scanned).map((parcel) => parcel.id)));
    }
  }, [props.scanned, open]);

  const chosen = open.filter((parcel) => !left.has(parcel.id));
  const kinds = new Set(chosen.map((parcel) => doneKind(stop, parcel)));
  const codFen = chosen.reduce((sum, parcel) => sum + parcel.codFen, 0);
  const [kind = "delivered"] = kinds;
  const verb = kinds.size > 1 ? "outcome.both" : (`outcome.${kind}` as const);

  const clock = (moment: string) => formatClock(moment, props.zone, language);
  const windows = stop.windows.map(([start, end]) => `${clock(start)}–${clock(end)}`).join(", ");

  function toggle(parcel: CourierParcel) {
    setLeft((before) => {
      const after = new Set(before);
      if (!after.delete(parcel.id)) after.add(parcel.id);
      return after;
    });
  }

  return (
    <section className="card" aria-label={t("hand.next")} data-stop={stop.id}>
      <div className="next__head">
        <span className="next__label num" title={t("hand.label")}>
          {stop.label}
        </span>
        <div>
          <h2 className="next__name">{stop.name}</h2>
          <p className="muted">
            {t(`stopkind.${stop.kind}` as "stopkind.door")}
            {stop.windows.length > 0 &&
              ` · ${t("detail.window", { windows: windows })}`}
          </p>
        </div>
        <p className="next__eta num">
          {formatDaySeconds(stop.arrivalS)}
          <small>{t("hand.eta")}</small>
        </p>
      </div>
      <div role="group" aria-label={t("hand.parcels")} className="picks">
        {open.map((parcel) => (
          <button
            key={parcel.id}
            type="button"
            role="checkbox"
            aria-checked={!left.has(parcel.id)}
            className="pick"
            onClick={() => toggle(parcel)}
          >
            <span className="pick__box">
              <Check />
            </span>
            <span className="pick__who">
              {parcel.recipient} <span className="num">{parcel.phone}</span>
            </span>
            <span className="chip">
              {parcel.direction === "collect" ? <Collect /> : <ParcelIcon />}
              {t(`direction.${parcel.direction}`)}
            </span>
            {parcel.address !== "" && <span className="pick__where">{parcel.address}</span>}
            <span className="pick__where pick__code num">
              {[parcel.waybill, parcel.pieces, `${formatKg(parcel.weightG, language)} kg`].filter(Boolean).join(" · ")}
              {parcel.codFen > 0 && <strong> {t("hand.cod", { amount: formatYuan(parcel.codFen, language) })}</strong>}
            </span>
            {(parcel.show ?? []).length > 0 && (
              <span className="pick__where">
                {t("hand.show.title", { kinds: (parcel.show ?? []).map((kind) => find(`evidence.${kind}`) ?? kind).join(" · ") })}
              </span>
            )}
            {parcel.until?.startsWith(props.day) && <span className="pick__where num">{t("hand.until", { moment: clock(parcel.until) })}</span>}
          </button>
        ))}
      </div>
      <div className="outcomes">
        <button type="button" className="button button--primary" disabled={chosen.length === 0} onClick={() => setAsking("done")}>
          {t(verb, { count: chosen.length })}
        </button>
        <button type="button" className="button" disabled={chosen.length === 0} onClick={() => setAsking("failed")}>
          {t("outcome.failed")}
        </button>
      </div>
      {asking === "done" && (
        <ConfirmSheet
          title={t(verb, { count: chosen.length })}
          confirm={t("outcome.confirm")}
          onCancel={() => setAsking(null)}
          onDone={() => {
            setAsking(null);
            void props.onDone(chosen);
          }}
        >
          <p>{chosen.map((parcel) => parcel.waybill).join(", ")}</p>
          {codFen > 0 && <p className="notice notice--warn">{t("hand.cod", { amount: formatYuan(codFen, language) })}</p>}
        </ConfirmSheet>
      )}
      {asking === "failed" && (
        <FailureSheet
          day={props.day}
          count={chosen.length}
          onCancel={() => setAsking(null)}
          onDone={(failure) => {
            setAsking(null);
            void props.onFailed(chosen, failure);
          }}
        />
      )}
    </section>
  );
}
