import { formatYuan } from "../../i18n/format";
import { useLanguage } from "../../i18n/language";
import { COLOURS, project, type Comparison } from "./comparison";

const WIDTH = 640;
const MARGIN = 12;
const MODES = ["joint", "township-contract", "station-reuse"] as const;

/** The townships of the best mix on a map, and the same in a table with what each would count for. */
export function MixMap({ found }: { found: Comparison }) {
  const { t, language } = useLanguage();
  const { shapes, height } = project(found.map, WIDTH);
  return (
    <section className="modes__mix">
      <h2>{t("modes.best_mix")}</h2>
      {shapes.length > 0 && (
        <figure>
          <svg viewBox={`${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${height + 2 * MARGIN}`} role="img" aria-label={t("modes.map")}>
            {shapes.map((one) => (
              <g key={one.township} data-township={one.township} data-mode={one.mode}>
                <title>{`${one.name}: ${t(`modes.way_${one.mode}`)}`}</title>
                {one.paths.map((path, index) =>
                  path.includes(" ") ? (
                    <polygon key={index} points={path} fill={COLOURS[one.mode]} className="modes__area" />
                  ) : (
                    <circle key={index} cx={path.split(",")[0]} cy={path.split(",")[1]} r={9} fill={COLOURS[one.mode]} />
                  ),
                )}
              </g>
            ))}
            {shapes.map((one) => (
              <text key={one.township} x={one.label[0]} y={one.label[1]} textAnchor="middle" className="modes__place">
                {one.name}
              </text>
            ))}
          </svg>
          <figcaption>
            {MODES.map((mode) => (
              <span key={mode}>
                <span className="modes__key" style={{ background: COLOURS[mode] }} /> {t(`modes.way_${mode}`)}
              </span>
            ))}
          </figcaption>
        </figure>
      )}
      <div className="modes__scroll" tabIndex={0} role="region" aria-label={t("modes.best_mix")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("modes.township")}</th>
              <th scope="col">{t("modes.chosen")}</th>
              {MODES.map((mode) => (
                <th key={mode} scope="col" className="num">
                  {t(`modes.way_${mode}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.best_mix.map((one) => (
              <tr key={one.township} data-township={one.township}>
                <th scope="row">{one.name}</th>
                <td>{t(`modes.way_${one.mode}`)}</td>
                {MODES.map((mode) => {
                  const fen = one.counts_fen[mode];
                  return (
                    <td key={mode} className="num">
                      {fen === undefined ? "–" : formatYuan(fen, language, true)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
