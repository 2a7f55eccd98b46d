import { useEffect } from "react";

import { useResource } from "../api/resource";
import { formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { lookAt, visits, type Desk } from "./desk";
import { Trouble } from "./Find";

const LOOK_AGAIN_MS = 5_000;

/** Who is inside, whose cells shine in which colour, and what stands open; looked at again every five seconds. */
export function Night({ siteId, zone }: Desk) {
  const language = useLanguage();
  const { t } = language;
  const inside = useResource(`visits/${siteId}`, (signal) => visits(siteId, signal));
  const site = useResource(`station/${siteId}`, (signal) => lookAt(siteId, signal));
  useEffect(() => {
    const timer = setInterval(() => {
      inside.reload();
      site.reload();
    }, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [inside.reload, site.reload]);
  const problem = inside.problem ?? site.problem;
  return (
    <section aria-label={t("station.night")}>
      {problem && <Trouble problem={problem} />}
      {site.data && site.data.alarms.length > 0 && (
        <ul className="desk__list" aria-label={t("station.alarms")}>
          {site.data.alarms.map((alarm) => (
            <li key={`${alarm.kind}/${alarm.subject}`}>
              <span className="chip chip--danger">{language.find(`alarm.${alarm.kind}`) ?? alarm.kind}</span>
              <span className="num">{alarm.subject}</span>
              <span className="num muted">{formatMoment(alarm.opened_at, zone, language.language)}</span>
            </li>
          ))}
        </ul>
      )}
      {inside.data && inside.data.items.length === 0 && <p className="muted">{t("station.nobody")}</p>}
      {inside.data && inside.data.items.length > 0 && (
        <table className="station__table">
          <thead>
            <tr>
              <th scope="col">{t("station.visitor")}</th>
              <th scope="col">{t("search.status")}</th>
              <th scope="col">{t("station.light")}</th>
              <th scope="col">{t("station.parcels")}</th>
              <th scope="col">{t("search.since")}</th>
            </tr>
          </thead>
          <tbody>
            {inside.data.items.map((visit) => (
              <tr key={visit.id} data-visit={visit.state}>
                <td>{visit.holder}</td>
                <td>
                  <span className="chip">{language.find(`visit.${visit.state}`) ?? visit.state}</span>
                </td>
                <td>
                  {visit.colour !== null && <span className="desk__colour" style={{ background: `#${visit.colour}` }} />}
                  <span className="num">
                    {inside.data?.lights.filter((light) => light.visit === visit.id).flatMap((light) => light.cells).join(" ")}
                  </span>
                </td>
                <td className="num">
                  {visit.taken.length} / {visit.wanted.length}
                </td>
                <td className="num">{formatMoment(visit.admitted_at, zone, language.language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
