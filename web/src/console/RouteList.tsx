import { memo, useEffect, useRef } from "react";

import { Late, Route as RouteIcon } from "../design/icons";
import { formatCount, formatDaySeconds, formatKm } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { lateStops, loadShare, NO_STOPS, type Load, type PlannedRoute, type RouteContent } from "./day";
import { RouteBadge } from "./RouteBadge";

export interface RouteListProps {
  routes: readonly PlannedRoute[];
  contents: ReadonlyMap<string, RouteContent>;
  loading: boolean;
  selected: string | null;
  onRoute(routeId: string | null): void;
}

/** Every route with its vehicle, end, stops and loads; complete without the map (WEB-11). */
export function RouteList({ routes, contents, loading, selected, onRoute }: RouteListProps) {
  const { t } = useLanguage();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (selected === null) return;
    list.current?.querySelector(`[data-route="${selected}"]`)?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  if (routes.length === 0) {
    return (
      <div className="empty">
        <RouteIcon />
        <p>{t(loading ? "app.loading" : "routes.none")}</p>
      </div>
    );
  }
  return (
    <ul className="scroll" ref={list} aria-label={t("routes.title")}>
      {routes.map((route) => (
        <Row key={route.id} route={route} late={lateStops(contents.get(route.id)?.stops ?? NO_STOPS)} selected={route.id === selected} onRoute={onRoute} />
      ))}
    </ul>
  );
}

interface RowProps {
  route: PlannedRoute;
  late: number;
  selected: boolean;
  onRoute(routeId: string | null): void;
}

const Row = memo(function Row({ route, late, selected, onRoute }: RowProps) {
  const { t, language } = useLanguage();
  return (
    <li>
      <button
        type="button"
        className="route-row"
        aria-pressed={selected}
        data-route={route.id}
        onClick={() => onRoute(selected ? null : route.id)}
      >
        <RouteBadge number={route.number} />
        <span className="route-row__name">
          {route.vehicleName} <small>{[route.courierName, route.vehicleType].filter(Boolean).join(" · ")}</small>
        </span>
        <span className="route-row__end num" title={t("routes.finish")}>
          {formatDaySeconds(route.endS)}
        </span>
        <span className="route-row__facts num">
          <span>{t("routes.stops", { count: route.stopCount })}</span>
          <span>{t("routes.parcels", { count: route.parcelCount })}</span>
          <span>{formatKm(route.distanceM, language)} km</span>
          {late > 0 && (
            <span className="chip chip--danger">
              <Late />
              {t("routes.late", { count: late })}
            </span>
          )}
        </span>
        <Loads loads={route.loads} />
      </button>
    </li>
  );
});

const TIGHT = 0.9;

export function Loads({ loads }: { loads: readonly Load[] }) {
  const { t, language } = useLanguage();
  return (
    <span className="loads">
      {loads.map((load) => {
        const share = loadShare(load);
        const percent = Math.round(share * 100);
        return (
          <span
            key={load.dimension}
            className={share >= TIGHT ? "load load--tight" : "load"}
            title={t(`load.${load.dimension}.full`, {
              peak: formatCount(inUnit(load, load.peak), language),
              capacity: formatCount(inUnit(load, load.capacity), language),
            })}
          >
            <span>{t(`load.${load.dimension}`)}</span>
            <span className="load__track">
              <span className="load__fill" style={{ width: `${Math.min(percent, 100)}%` }} />
            </span>
            <span className="num">{percent}%</span>
          </span>
        );
      })}
    </span>
  );
}

/** Kilograms, litres, pieces. */
function inUnit(load: Load, value: number): number {
  return load.dimension === "count" ? value : Math.round(value / 1000);
}
