import { useEffect, useRef } from "react";

import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import { Close, Collect, Late, Parcel as ParcelIcon } from "../design/icons";
import { formatDaySeconds, formatHours, formatKg, formatKm, formatMinutes, formatYuan } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { routeColor } from "./colors";
import { isLate, type PlannedRoute, type PlannedStop, type StopParcel } from "./day";
import { RouteBadge } from "./RouteBadge";
import { Loads } from "./RouteList";

export interface RouteDetailProps {
  route: PlannedRoute;
  stops: readonly PlannedStop[];
  depotName: string;
  selectedStop: string | null;
  loadParcels(stop: PlannedStop, signal: AbortSignal): Promise<readonly StopParcel[]>;
  onStop(routeId: string, stopId: string | null): void;
  onClose(): void;
}

/** One route: its figures, and every stop in driving order with times and parcels. */
export function RouteDetail(props: RouteDetailProps) {
  const { t, language } = useLanguage();
  const { route, stops } = props;
  return (
    <aside className="panel panel--detail" aria-label={t("detail.title", { number: route.number })}>
      <div className="detail__head">
        <div className="detail__title">
          <RouteBadge number={route.number} />
          <h2>{[route.vehicleName, route.courierName].filter(Boolean).join(" · ")}</h2>
          <button type="button" className="button button--quiet" onClick={props.onClose} aria-label={t("app.close")}>
            <Close />
          </button>
        </div>
        <dl className="facts num">
          <Fact name={t("detail.start")}>{formatDaySeconds(route.startS)}</Fact>
          <Fact name={t("detail.finish")}>{formatDaySeconds(route.endS)}</Fact>
          <Fact name={t("detail.distance")}>{formatKm(route.distanceM, language)} km</Fact>
          <Fact name={t("detail.cost")}>{formatYuan(route.costFen, language, true)}</Fact>
          <Fact name={t("detail.stops")}>{route.stopCount}</Fact>
          <Fact name={t("detail.parcels")}>{route.parcelCount}</Fact>
          <Fact name={t("detail.driving")}>{formatHours(route.drivingS, language)} h</Fact>
          <Fact name={t("detail.waiting")}>{formatMinutes(route.waitingS)} min</Fact>
        </dl>
        <Loads loads={route.loads} />
      </div>
      <div className="scroll">
        <p className="detail__depot num">
          <strong>{formatDaySeconds(route.startS)}</strong>
          {t("detail.leave", { depot: props.depotName })}
        </p>
        <ol>
          {stops.map((stop) => (
            <StopRow
              key={stop.id}
              stop={stop}
              color={routeColor(route.number)}
              open={stop.id === props.selectedStop}
              loadParcels={props.loadParcels}
              onToggle={(open) => props.onStop(route.id, open ? stop.id : null)}
            />
          ))}
        </ol>
        <p className="detail__depot num">
          <strong>{formatDaySeconds(route.endS)}</strong>
          {t("detail.back", { depot: props.depotName })}
        </p>
      </div>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface StopRowProps {
  stop: PlannedStop;
  color: string;
  open: boolean;
  loadParcels: RouteDetailProps["loadParcels"];
  onToggle(open: boolean): void;
}

function StopRow({ stop, color, open, loadParcels, onToggle }: StopRowProps) {
  const { t } = useLanguage();
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) row.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const waits = stop.startS - stop.arrivalS;
  const notes = [
    stop.kind !== "door" ? t(`stopkind.${stop.kind}` as "stopkind.station") : "",
    stop.windows.length > 0 ? t("detail.window", { windows: stop.windows.map(windowText).join(", ") }) : "",
    waits >= 60 ? t("detail.wait", { minutes: formatMinutes(waits) }) : "",
    stop.label !== stop.position ? t("detail.label", { label: stop.label }) : "",
  ].filter(Boolean);
  return (
    <li ref={row}>
      <button type="button" className="stop-row" aria-expanded={open} data-stop={stop.id} onClick={() => onToggle(!open)}>
        <span className="stop-row__position num" style={{ background: color }}>
          {stop.position}
        </span>
        <span className="stop-row__time num">{formatDaySeconds(stop.startS)}</span>
        <span className="stop-row__name">{stop.name}</span>
        <span className="stop-row__count num">
          {stop.deliveries.length > 0 && (
            <span aria-label={t("detail.deliver", { count: stop.deliveries.length })} title={t("detail.deliver", { count: stop.deliveries.length })}>
              <ParcelIcon />
              {stop.deliveries.length}
            </span>
          )}
          {stop.collections.length > 0 && (
            <span aria-label={t("detail.collect", { count: stop.collections.length })} title={t("detail.collect", { count: stop.collections.length })}>
              <Collect />
              {stop.collections.length}
            </span>
          )}
        </span>
        {notes.length > 0 && <span className="stop-row__note num">{notes.join(" · ")}</span>}
        {isLate(stop) && (
          <span className="stop-row__note">
            <span className="chip chip--danger">
              <Late />
              {t("detail.late")}
            </span>
          </span>
        )}
      </button>
      {open && <Parcels stop={stop} loadParcels={loadParcels} />}
    </li>
  );
}

function Parcels({ stop, loadParcels }: { stop: PlannedStop; loadParcels: RouteDetailProps["loadParcels"] }) {
  const language = useLanguage();
  const { t } = language;
  const parcels = useResource(stop.id, (signal) => loadParcels(stop, signal));
  if (parcels.problem) {
    return (
      <p className="parcels" role="alert">
        {explain(parcels.problem, language)}
      </p>
    );
  }
  if (!parcels.data) return <p className="parcels muted">{t("detail.parcels_loading")}</p>;
  return (
    <ul className="parcels">
      {parcels.data.map((parcel) => (
        <li key={parcel.id} className="parcel">
          <span className="parcel__waybill num">{parcel.waybill}</span>
          <span className="num">{formatKg(parcel.weightG, language.language)} kg</span>
          <span className="parcel__who">{[parcel.recipient, parcel.phone].filter(Boolean).join(" ")}</span>
          <span className="parcel__what">
            {[t(`direction.${parcel.direction}`), parcel.company].filter(Boolean).join(" · ")}
          </span>
        </li>
      ))}
    </ul>
  );
}

function windowText([start, end]: readonly [number, number]): string {
  return `${formatDaySeconds(start)}–${formatDaySeconds(end)}`;
}
