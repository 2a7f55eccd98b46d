import { useState } from "react";

import { useResource } from "../api/resource";
import { Check, ChevronDown, ChevronUp, Warning } from "../design/icons";
import { useLanguage } from "../i18n/language";
import type { UnassignedGroup, UnassignedParcel } from "./day";
import { loadWaybill } from "./parcels";

const SHOWN_AT_FIRST = 6;

/** Every parcel that is on no route, by reason, in words (M-07). */
export function Unassigned({ groups, onParcel }: { groups: readonly UnassignedGroup[]; onParcel(key: string): void }) {
  const { t } = useLanguage();
  if (groups.length === 0) {
    return (
      <div className="empty">
        <Check />
        <p>{t("unassigned.none")}</p>
      </div>
    );
  }
  return (
    <ul className="scroll" aria-label={t("unassigned.title")}>
      {groups.map((group) => (
        <Group key={`${group.code}/${group.certainty}`} group={group} onParcel={onParcel} />
      ))}
    </ul>
  );
}

function Group({ group, onParcel }: { group: UnassignedGroup; onParcel(key: string): void }) {
  const { t, find } = useLanguage();
  const [open, setOpen] = useState(false);
  const shown = open ? group.parcels : group.parcels.slice(0, SHOWN_AT_FIRST);
  return (
    <li className="reason">
      <div className="reason__head">
        <Warning />
        <h3>{find(`reason.${group.code}`) ?? group.code}</h3>
        <span className="chip num">{t("unassigned.count", { count: group.parcels.length })}</span>
      </div>
      <p className="muted">{t(`unassigned.${group.certainty}`)}</p>
      <ul className="reason__parcels">
        {shown.map((parcel) => (
          <ParcelRow key={parcel.id} parcel={parcel} onParcel={onParcel} />
        ))}
      </ul>
      {group.parcels.length > SHOWN_AT_FIRST && (
        <button type="button" className="button button--quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronUp /> : <ChevronDown />}
          {open ? t("unassigned.less") : t("unassigned.more", { count: group.parcels.length - SHOWN_AT_FIRST })}
        </button>
      )}
    </li>
  );
}

function ParcelRow({ parcel, onParcel }: { parcel: UnassignedParcel; onParcel(key: string): void }) {
  const { t } = useLanguage();
  const waybill = useResource(`waybill/${parcel.id}`, (signal) => loadWaybill(parcel.id, signal));
  return (
    <li>
      <button type="button" className="reason__parcel" onClick={() => onParcel(waybill.data ?? parcel.id)}>
        <span className="num">{waybill.data ?? "…"}</span>
        <span className="muted">{more(parcel, t)}</span>
      </button>
    </li>
  );
}

function more(parcel: UnassignedParcel, t: ReturnType<typeof useLanguage>["t"]): string {
  const parts: string[] = [];
  if (parcel.vehicle !== null) parts.push(t("unassigned.example", { vehicle: parcel.vehicle }));
  if (parcel.amount !== null && parcel.dimension !== null) {
    parts.push(t("unassigned.over", { amount: parcel.amount, dimension: parcel.dimension }));
  }
  if (parcel.fix !== null) {
    parts.push(t("unassigned.fix", { constraint: parcel.fix.constraint, change: parcel.fix.change }));
  }
  return parts.join(" · ");
}
