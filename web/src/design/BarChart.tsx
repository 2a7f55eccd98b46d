import "./bar-chart.css";

export interface Bar {
  label: string;
  value: number;
  /** The value in the reader's words. */
  text: string;
}

const WIDTH = 420;
const NAME = 120;
const VALUE = 84;
const BAR = 16;
const STEP = 22;
const MOST = 40;

/** One amount by label as bars; every value is written too, and a table beside it carries the same figures. */
export function BarChart({ title, bars, color = "var(--info)" }: { title: string; bars: readonly Bar[]; color?: string }) {
  const shown = bars.slice(0, MOST);
  const most = Math.max(1e-9, ...shown.map((one) => one.value));
  return (
    <figure className="bars">
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${shown.length * STEP + 4}`} role="img" aria-label={`${title}: ${shown.map((one) => `${one.label} ${one.text}`).join(", ")}`}>
        {shown.map((one, at) => {
          const width = (Math.max(0, one.value) / most) * (WIDTH - NAME - VALUE);
          return (
            <g key={`${one.label}/${at}`} data-bar={one.label}>
              <text x={NAME - 6} y={at * STEP + 13} textAnchor="end">{one.label}</text>
              <rect x={NAME} y={at * STEP} width={width} height={BAR} fill={color} />
              <text x={NAME + width + 6} y={at * STEP + 13} className="num">{one.text}</text>
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
