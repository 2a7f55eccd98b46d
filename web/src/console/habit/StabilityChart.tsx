import type { components } from "../../api/schema";
import { useLanguage } from "../../i18n/language";

type Day = components["schemas"]["StabilityDay"];

const WIDTH = 480;
const HEIGHT = 180;
const LEFT = 44;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;

/** Two lines over the days: stops with their habitual courier, and stops in the usual order; the table has the figures. */
export function StabilityChart({ days }: { days: readonly Day[] }) {
  const { t } = useLanguage();
  if (days.length === 0) return null;
  const x = (index: number) => LEFT + (index * (WIDTH - LEFT - RIGHT)) / Math.max(1, days.length - 1);
  const y = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  const line = (share: (day: Day) => number | null) =>
    days.flatMap((day, index) => {
      const value = share(day);
      return value === null ? [] : [{ x: x(index), y: y(value), day: day.day }];
    });
  const lines = [
    ["habitual", line((day) => day.habitual_share)],
    ["ordered", line((day) => day.ordered_share)],
  ] as const;
  return (
    <figure className="habit__chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("habit.chart")}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(share)} y2={y(share)} className="habit__grid" />
            <text x={LEFT - 6} y={y(share) + 4} textAnchor="end">
              {100 * share} %
            </text>
          </g>
        ))}
        {lines.map(([name, points]) => (
          <g key={name} className={`habit__line habit__line--${name}`}>
            <polyline points={points.map((point) => `${point.x},${point.y}`).join(" ")} />
            {points.map((point) => (
              <circle key={point.day} cx={point.x} cy={point.y} r="3" />
            ))}
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 8}>
          {days[0]?.day.slice(5)}
        </text>
        {days.length > 1 && (
          <text x={WIDTH - RIGHT} y={HEIGHT - 8} textAnchor="end">
            {days[days.length - 1]?.day.slice(5)}
          </text>
        )}
      </svg>
      <figcaption className="muted">
        <span className="habit__key habit__key--habitual" /> {t("habit.habitual")}{" "}
        <span className="habit__key habit__key--ordered" /> {t("habit.ordered")}
      </figcaption>
    </figure>
  );
}
