import { useState } from "react";

import { asProblem, type ProblemBody } from "../api/problem";
import { useResource } from "../api/resource";
import { formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { overdue, startReturn, type Code, type Desk } from "./desk";
import { Trouble } from "./Find";

/** Parcels kept longer than promised, the oldest first; the way back begins here. */
export function OverdueList({ siteId, zone }: Desk) {
  const language = useLanguage();
  const { t } = language;
  const late = useResource(`overdue/${siteId}`, (signal) => overdue(siteId, signal));
  const [code, setCode] = useState<Code | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const begin = async (parcelId: string) => {
    setProblem(null);
    try {
      setCode(await startReturn(siteId, parcelId));
      late.reload();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const shown = problem ?? late.problem;
  return (
    <section aria-label={t("station.overdue")}>
      {shown && <Trouble problem={shown} />}
      {code && (
        <p role="status">
          {t("station.courier_code")} <strong className="num desk__code">{code.digits}</strong> ({code.cell})
        </p>
      )}
      {late.data && late.data.length === 0 && <p className="muted">{t("station.none_overdue")}</p>}
      {late.data && late.data.length > 0 && (
        <table className="station__table">
          <thead>
            <tr>
              <th scope="col">{t("station.cell")}</th>
              <th scope="col">{t("search.since")}</th>
              <th scope="col">{t("station.charge")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("station.acts")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {late.data.map((one) => (
              <tr key={one.parcel_id}>
                <td className="num desk__cell">{one.cell}</td>
                <td className="num">{one.stored_at ? formatMoment(one.stored_at, zone, language.language) : "–"}</td>
                <td className="num">{(one.charge_fen / 100).toFixed(2)}</td>
                <td>
                  <button type="button" className="button" onClick={() => void begin(one.parcel_id)}>
                    {t("station.return")}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
