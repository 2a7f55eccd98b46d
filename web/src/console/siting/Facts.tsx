import { answered, api } from "../../api/client";
import { explain } from "../../api/problem";
import { useResource } from "../../api/resource";
import { useLanguage } from "../../i18n/language";

const MARK = { below: "▼", within: "●", above: "▲" } as const;

/** What a study expected of each kiosk, and what came since: a bar for the interval, a mark for the fact. */
export function Facts({ studyId, names }: { studyId: string; names: ReadonlyMap<string, string> }) {
  const language = useLanguage();
  const { t } = language;
  const facts = useResource(`facts/${studyId}`, (signal) =>
    answered(api.GET("/api/v1/siting/{study_id}/facts", { params: { path: { study_id: studyId } }, signal })),
  );
  const found = facts.data;
  if (facts.problem) {
    return (
      <p className="notice notice--danger" role="alert">
        {explain(facts.problem, language)}
      </p>
    );
  }
  if (!found) return null;
  const most = Math.max(1, ...found.kiosks.map((one) => Math.max(one.high, one.actual)));
  const at = (value: number) => 3 + (value / most) * 94;
  return (
    <section>
      <h2>{t("siting.facts")}</h2>
      {found.kiosks.length === 0 ? (
        <p className="muted">{t("siting.no_facts")}</p>
      ) : (
        <>
          <p>
            {t("siting.facts_sum", {
              expected: found.expected.toFixed(1),
              actual: found.actual,
              share: (100 * found.share_within).toFixed(0),
            })}
          </p>
          <div className="siting__scroll" tabIndex={0} role="region" aria-label={t("siting.facts")}>
            <table>
              <tbody>
                {found.kiosks.map((one) => (
                  <tr key={one.site_id} data-fact={one.site_id}>
                    <th scope="row">{names.get(one.site_id) ?? one.site_id}</th>
                    <td style={{ width: "45%" }}>
                      <svg className="siting__bar" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
                        <line x1={at(one.low)} x2={at(one.high)} y1={6} y2={6} stroke="var(--line-strong)" strokeWidth={4} />
                        <rect
                          x={at(one.actual) - 1}
                          width={2}
                          y={0}
                          height={12}
                          fill={one.standing === "within" ? "var(--accent)" : "var(--danger)"}
                        />
                      </svg>
                    </td>
                    <td className="num">
                      {MARK[one.standing]} {t("siting.fact", { actual: one.actual, low: one.low, high: one.high })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
