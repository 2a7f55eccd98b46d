import { memo, useEffect, useId, useMemo, useRef } from "react";

import { formatDaySeconds } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { routeColor } from "./colors";
import { NO_STOPS, type PlannedRoute, type PlannedStop, type RouteContent } from "./day";
import { RouteBadge } from "./RouteBadge";

const HOUR_S = 3600;
const ROW_H = 22;

export interface TimelineProps {
  routes: readonly PlannedRoute[];
  contents: ReadonlyMap<string, RouteContent>;
  selectedRoute: string | null;
  selectedStop: string | null;
  onRoute(routeId: string | null): void;
  onStop(routeId: string, stopId: string): void;
}

/** A row per vehicle over the day: a block per visit, waiting hatched, driving as a thin line. */
export function Timeline(props: TimelineProps) {
  const { t } = useLanguage();
  const list = useRef<HTMLUListElement>(null);
  const [from, to] = useMemo(() => hoursOf(props.routes), [props.routes]);
  const hours = Array.from({ length: (to - from) / HOUR_S + 1 }, (_, at) => from + at * HOUR_S);
  const hatch = useId();

  function step(by: number) {
    const at = props.routes.findIndex((route) => route.id === props.selectedRoute);
    const next = props.routes[Math.min(Math.max(at + by, 0), props.routes.length - 1)];
    if (!next) return;
    props.onRoute(next.id);
    list.current?.querySelector<HTMLElement>(`[data-route="${next.id}"]`)?.focus();
  }

  useEffect(() => {
    if (props.selectedRoute === null) return;
    list.current?.querySelector(`[data-route="${props.selectedRoute}"]`)?.scrollIntoView({ block: "nearest" });
  }, [props.selectedRoute]);

  return (
    <section className="timeline" aria-label={t("timeline.title")}>
      <svg width="0" height="0" aria-hidden="true" className="timeline__defs">
        <pattern id={hatch} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="5" height="5" fill="#efece3" />
          <rect width="2" height="5" fill="#a9a292" />
        </pattern>
      </svg>
      <div className="timeline__axis" aria-hidden="true">
        {hours.map((hour) => (
          <span key={hour} className="num" style={{ left: `${percent(hour, from, to)}%` }}>
            {formatDaySeconds(hour)}
          </span>
        ))}
      </div>
      <ul
        className="timeline__rows"
        ref={list}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            step(event.key === "ArrowDown" ? 1 : -1);
          }
        }}
      >
        {props.routes.map((route, at) => (
          <Row
            key={route.id}
            route={route}
            stops={props.contents.get(route.id)?.stops ?? NO_STOPS}
            from={from}
            to={to}
            hatch={hatch}
            selected={route.id === props.selectedRoute}
            dimmed={props.selectedRoute !== null && route.id !== props.selectedRoute}
            selectedStop={route.id === props.selectedRoute ? props.selectedStop : null}
            reachable={props.selectedRoute === null ? at === 0 : route.id === props.selectedRoute}
            onRoute={props.onRoute}
            onStop={props.onStop}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  route: PlannedRoute;
  stops: readonly PlannedStop[];
  from: number;
  to: number;
  hatch: string;
  selected: boolean;
  dimmed: boolean;
  selectedStop: string | null;
  reachable: boolean;
  onRoute(routeId: string | null): void;
  onStop(routeId: string, stopId: string): void;
}

const Row = memo(function Row(props: RowProps) {
  const { t } = useLanguage();
  const { route, stops, from, to } = props;
  const color = routeColor(route.number);
  const at = (seconds: number) => percent(seconds, from, to);
  const label = t("timeline.row", {
    number: route.number,
    vehicle: route.vehicleName,
    start: formatDaySeconds(route.startS),
    end: formatDaySeconds(route.endS),
    stops: route.stopCount,
  });

  function clicked(event: React.MouseEvent<HTMLButtonElement>) {
    const stop = (event.target as Element).closest("[data-stop]")?.getAttribute("data-stop");
    if (stop) props.onStop(route.id, stop);
    else props.onRoute(props.selected ? null : route.id);
  }

  return (
    <li>
      <button
        type="button"
        className="timeline__row"
        data-route={route.id}
        data-dimmed={props.dimmed}
        aria-pressed={props.selected}
        aria-label={label}
        tabIndex={props.reachable ? 0 : -1}
        onClick={clicked}
      >
        <RouteBadge number={route.number} />
        <svg className="timeline__bar" preserveAspectRatio="none" viewBox={`0 0 100 ${ROW_H}`} aria-hidden="true">
          <rect x={at(route.startS)} width={at(route.endS) - at(route.startS)} y={ROW_H / 2 - 1} height={2} fill={color} opacity={0.45} />
          {stops.map((stop) => (
            <g key={stop.id} data-stop={stop.id}>
              {stop.startS - stop.arrivalS >= 60 && (
                <rect x={at(stop.arrivalS)} width={at(stop.startS) - at(stop.arrivalS)} y={5} height={ROW_H - 10} fill={`url(#${props.hatch})`} />
              )}
              <rect
                x={at(stop.startS)}
                width={Math.max(at(stop.departureS) - at(stop.startS) - 0.02, 0.12)}
                y={stop.id === props.selectedStop ? 1 : 4}
                height={stop.id === props.selectedStop ? ROW_H - 2 : ROW_H - 8}
                fill={stop.id === props.selectedStop ? "#1b2420" : color}
              />
            </g>
          ))}
        </svg>
        <span className="timeline__end num">{formatDaySeconds(route.endS)}</span>
      </button>
    </li>
  );
});

function percent(seconds: number, from: number, to: number): number {
  return ((seconds - from) / (to - from)) * 100;
}

/** Whole hours around every route. */
function hoursOf(routes: readonly PlannedRoute[]): [number, number] {
  if (routes.length === 0) return [8 * HOUR_S, 18 * HOUR_S];
  const first = Math.min(...routes.map((route) => route.startS));
  const last = Math.max(...routes.map((route) => route.endS));
  return [Math.floor(first / HOUR_S) * HOUR_S, Math.ceil(last / HOUR_S) * HOUR_S];
}
