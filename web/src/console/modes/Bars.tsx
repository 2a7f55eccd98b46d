import { useLanguage } from "../../i18n/language";
import { COLOURS, type Comparison, type Figures } from "./comparison";

type Measure = "cost_a_day" | "km_a_day" | "hours_a_day" | "vehicles" | "co2_a_day" | "per_stop";

const WIDTH = 340;
const NAME = 96;
const BAR = 18;
const STEP = 26;

/** Small bar charts of every measure by way to deliver, a day; the table below carries the same figures. */
export function Bars({ found }: { found: Comparison }) {
  const { t, language } = useLanguage();
  const days = Math.max(found.days.length, 1);
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const measures: [Measure, (one: Figures) => number][] = [
    ["cost_a_day", (one) => Math.round(one.cost_fen / 100 / days)],
    ["km_a_day", (one) => Math.round(one.distance_m / 1000 / days)],
    ["hours_a_day", (one) => Math.round(one.duration_s / 3600 / days)],
    ["vehicles", (one) => one.vehicles_a_day ?? 0],
    ["co2_a_day", (one) => Math.round(one.co2_g / 1000 / days)],
    ["per_stop", (one) => one.parcels_per_stop ?? 0],
  ];
  return (
    <div className="modes__charts">
      {measures.map(([name, value]) => {
        const most = Math.max(...found.scenarios.map((one) => value(one.total)), 1e-9);
        return (
          <figure key={name}>
            <figcaption>{t(`modes.${name}`)}</figcaption>
            <svg viewBox={`0 0 ${WIDTH} ${found.scenarios.length * STEP}`} role="img" aria-label={t(`modes.${name}`)}>
              {found.scenarios.map((one, index) => {
                const width = ((WIDTH - NAME - 64) * value(one.total)) / most;
                return (
                  <g key={one.id} data-way={one.id}>
                    <text x={NAME - 6} y={index * STEP + 14} textAnchor="end" className="modes__name">
                      {t(`modes.way_${one.id}`)}
                    </text>
                    <rect x={NAME} y={index * STEP} width={Math.max(width, 1)} height={BAR} fill={COLOURS[one.id]} />
                    <text x={NAME + width + 5} y={index * STEP + 14} className="modes__value num">
                      {number.format(value(one.total))}
                    </text>
                  </g>
                );
              })}
            </svg>
          </figure>
        );
      })}
    </div>
  );
}
