import type { ReactNode } from "react";

import { Check, Late, Warning } from "../design/icons";
import { formatCount, formatHours, formatKm, formatYuan } from "../i18n/format";
import { useLanguage, type MessageKey } from "../i18n/language";
import type { DayTotals } from "./day";

/** The day in eight figures. */
export function Kpis({ totals }: { totals: DayTotals | null }) {
  const { language } = useLanguage();
  const figure = (value: (known: DayTotals) => ReactNode) => (totals ? value(totals) : "–");
  return (
    <dl className="kpis">
      <Kpi name="kpi.parcels">
        {figure((known) => (
          <>
            <span>{formatCount(known.parcelsAssigned, language)}</span>
            <small>/ {formatCount(known.parcelsTotal, language)}</small>
          </>
        ))}
      </Kpi>
      <Kpi name="kpi.unassigned" tone={totals && totals.unassigned > 0 ? "danger" : undefined}>
        {figure((known) => (
          <>
            {known.unassigned > 0 ? <Warning /> : <Check />}
            <span>{formatCount(known.unassigned, language)}</span>
          </>
        ))}
      </Kpi>
      <Kpi name="kpi.late" tone={totals && totals.lateStops > 0 ? "warn" : undefined}>
        {figure((known) => (
          <>
            {known.lateStops > 0 ? <Late /> : <Check />}
            <span>{formatCount(known.lateStops, language)}</span>
          </>
        ))}
      </Kpi>
      <Kpi name="kpi.vehicles">{figure((known) => formatCount(known.vehicles, language))}</Kpi>
      <Kpi name="kpi.stops">{figure((known) => formatCount(known.stops, language))}</Kpi>
      <Kpi name="kpi.distance">
        {figure((known) => (
          <>
            <span>{formatKm(known.distanceM, language)}</span>
            <small>km</small>
          </>
        ))}
      </Kpi>
      <Kpi name="kpi.hours">
        {figure((known) => (
          <>
            <span>{formatHours(known.workingS, language)}</span>
            <small>h</small>
          </>
        ))}
      </Kpi>
      <Kpi name="kpi.cost">{figure((known) => formatYuan(known.costFen, language, true))}</Kpi>
    </dl>
  );
}

function Kpi({ name, tone, children }: { name: MessageKey; tone?: "warn" | "danger" | undefined; children: ReactNode }) {
  const { t } = useLanguage();
  return (
    <div className={tone ? `kpi kpi--${tone}` : "kpi"} data-kpi={name.slice(4)}>
      <dt>{t(name)}</dt>
      <dd className="num">{children}</dd>
    </div>
  );
}
