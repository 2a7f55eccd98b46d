import { useState } from "react";

import { asProblem, explain, type ProblemBody } from "../api/problem";
import { useResource } from "../api/resource";
import { Parcel as ParcelIcon, Search, Warning } from "../design/icons";
import { formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { find, proxyCode, takeOut, type Candidate, type Code, type Desk } from "./desk";

/** One search over all companies; a phone's last digits may mean several people, and all are shown. */
export function Find({ siteId, zone }: Desk) {
  const language = useLanguage();
  const { t } = language;
  const [typed, setTyped] = useState("");
  const [wanted, setWanted] = useState("");
  const found = useResource(`find/${siteId}/${wanted}`, (signal) => find(siteId, wanted, signal));
  const [chosen, setChosen] = useState<Candidate | null>(null);
  const parcels = found.data ?? [];
  return (
    <section aria-label={t("station.find")}>
      <form
        className="desk__line"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setWanted(typed.trim());
          found.reload();
        }}
      >
        <label className="search-field">
          <Search />
          <input
            className="input"
            type="search"
            placeholder={t("station.search")}
            aria-label={t("station.search")}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <button type="submit" className="button button--primary">
          {t("station.find")}
        </button>
      </form>
      {found.problem && <Trouble problem={found.problem} />}
      {found.data && parcels.length === 0 && (
        <div className="station__none">
          <ParcelIcon />
          <p>{t(wanted === "" ? "station.none" : "station.not_found")}</p>
        </div>
      )}
      {parcels.length > 1 && wanted !== "" && <p className="muted" role="status">{t("station.candidates", { count: parcels.length })}</p>}
      {parcels.length > 0 && (
        <table className="station__table">
          <thead>
            <tr>
              <th scope="col">{t("station.cell")}</th>
              <th scope="col">{t("station.waybill")}</th>
              <th scope="col">{t("station.company")}</th>
              <th scope="col">{t("station.recipient")}</th>
              <th scope="col">{t("search.status")}</th>
              <th scope="col">{t("search.since")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("station.acts")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {parcels.map((parcel) => (
              <tr key={parcel.parcel_id} data-parcel={parcel.parcel_id}>
                <td className="num desk__cell">{parcel.cell ?? "–"}</td>
                <td className="num">
                  {parcel.waybill}
                  {parcel.pieces > 1 && ` · ${t("search.piece", { piece: parcel.piece, pieces: parcel.pieces })}`}
                </td>
                <td>{parcel.company_id}</td>
                <td>
                  {parcel.recipient_name} <span className="num muted">{parcel.recipient_phone}</span>
                </td>
                <td>
                  <span className={`chip ${parcel.book === "expired" ? "chip--warn" : ""}`}>
                    {language.find(`custody.${parcel.status}`) ?? parcel.status}
                  </span>
                </td>
                <td className="num">{parcel.stored_at ? formatMoment(parcel.stored_at, zone, language.language) : "–"}</td>
                <td>
                  {parcel.cell !== null && (
                    <button type="button" className="button" onClick={() => setChosen(parcel)}>
                      {t("station.hand_over")}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {chosen && (
        <HandOver
          siteId={siteId}
          parcel={chosen}
          onDone={() => {
            setChosen(null);
            found.reload();
          }}
        />
      )}
    </section>
  );
}

/** Without a code: after an identity check, whose reference is kept; or a code for somebody else. */
function HandOver({ siteId, parcel, onDone }: { siteId: string; parcel: Candidate; onDone(): void }) {
  const { t } = useLanguage();
  const [reference, setReference] = useState("");
  const [code, setCode] = useState<Code | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const act = (work: Promise<unknown>, done: () => void) => void work.then(done, (error: unknown) => setProblem(asProblem(error)));
  return (
    <div className="desk__sheet" role="dialog" aria-label={`${t("station.hand_over")} ${parcel.waybill}`}>
      <h2>
        {parcel.cell} · {parcel.waybill}
      </h2>
      {problem && <Trouble problem={problem} />}
      <label className="field">
        <span>{t("station.identity")}</span>
        <input className="input" value={reference} onChange={(event) => setReference(event.target.value)} autoFocus />
      </label>
      <div className="desk__line">
        <button
          type="button"
          className="button button--primary"
          disabled={reference.trim() === ""}
          onClick={() => act(takeOut(siteId, { parcel_id: parcel.parcel_id, identity_reference: reference.trim() }), onDone)}
        >
          {t("station.hand_over")}
        </button>
        <button type="button" className="button" onClick={() => act(proxyCode(siteId, parcel.parcel_id).then(setCode), () => undefined)}>
          {t("station.proxy")}
        </button>
        <button type="button" className="button button--quiet" onClick={onDone}>
          {t("station.close")}
        </button>
      </div>
      {code && (
        <p role="status">
          {t("station.proxy_code")} <strong className="num desk__code">{code.digits}</strong>
        </p>
      )}
    </div>
  );
}

export function Trouble({ problem }: { problem: ProblemBody }) {
  const language = useLanguage();
  return (
    <p className="notice notice--danger" role="alert">
      <Warning />
      <span className="notice__body">{explain(problem, language)}</span>
    </p>
  );
}
