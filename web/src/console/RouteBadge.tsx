import { routeColor } from "./colors";

/** A route's number on its colour, the same in list, map and timeline. */
export function RouteBadge({ number }: { number: number }) {
  return (
    <span className="route-badge num" style={{ background: routeColor(number) }}>
      {number}
    </span>
  );
}
