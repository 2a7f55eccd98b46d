import { useEffect, useState } from "react";

import { api, answered, onLoggedOut } from "../api/client";
import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import type { Me, Parcel } from "../api/types";
import { LogOut, Mark, Parcel as ParcelIcon, Refresh, Search, Warning } from "../design/icons";
import { formatMoment } from "../i18n/format";
import { LanguageSwitch } from "../i18n/LanguageSwitch";
import { useLanguage } from "../i18n/language";
import { Login } from "../session/Login";
import { useSession } from "../session/Session";

const PAGE_SIZE = 500;

export function App() {
  const { t } = useLanguage();
  const { current, logOut, expired } = useSession();
  useEffect(() => onLoggedOut(expired), [expired]);
  if (current.state === "asking") return <p className="station__none muted">{t("app.loading")}</p>;
  if (current.state === "out") return <Login title="login.station" problem={current.problem} />;
  const { me } = current;
  const leave = () => void logOut();
  if (me.role !== "station" || me.region === null) {
    return (
      <main className="station__none">
        <Warning />
        <p>{t("app.no_role", { role: me.role })}</p>
        <button type="button" className="button" onClick={leave}>
          {t("app.logout")}
        </button>
      </main>
    );
  }
  return <Station me={me} region={me.region} onLogOut={leave} />;
}

/** Every parcel this station holds or expects, of all companies, on one screen (S7). */
function Station({ me, region, onLogOut }: { me: Me; region: string; onLogOut(): void }) {
  const language = useLanguage();
  const { t } = language;
  const [wanted, setWanted] = useState("");
  const about = useResource(region, (signal) => answered(api.GET("/api/v1/regions/{region}", { params: { path: { region } }, signal })));
  const parcels = useResource(`parcels/${region}`, (signal) => everyParcel(region, signal));
  const needle = wanted.trim().toUpperCase();
  const shown = (parcels.data ?? []).filter(
    (parcel) => needle === "" || parcel.waybill.toUpperCase().includes(needle) || parcel.recipient_name.includes(wanted.trim()),
  );
  const here = (parcels.data ?? []).filter((parcel) => parcel.custodian === `site:${me.site_id ?? ""}`).length;
  return (
    <div className="station">
      <header className="station__head">
        <Mark />
        <div>
          <h1>{t("login.station")}</h1>
          <p className="muted num">
            {me.site_id} · {t("station.here", { count: here })}
          </p>
        </div>
        <label className="search-field">
          <Search />
          <input
            className="input"
            type="search"
            placeholder={t("station.search")}
            aria-label={t("station.search")}
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
        </label>
        <button type="button" className="button" onClick={parcels.reload} aria-label={t("station.reload")} title={t("station.reload")}>
          <Refresh />
        </button>
        <LanguageSwitch />
        <button type="button" className="button button--quiet" onClick={onLogOut} aria-label={t("app.logout")} title={t("app.logout")}>
          <LogOut />
        </button>
      </header>
      <main className="station__body">
        {parcels.problem && (
          <p className="notice notice--danger" role="alert">
            <Warning />
            {explain(parcels.problem, language)}
          </p>
        )}
        {parcels.data && shown.length === 0 && (
          <div className="station__none">
            <ParcelIcon />
            <p>{t(needle === "" ? "station.none" : "station.not_found")}</p>
          </div>
        )}
        {shown.length > 0 && <ParcelTable parcels={shown} zone={about.data?.zone ?? "UTC"} />}
      </main>
    </div>
  );
}

function ParcelTable({ parcels, zone }: { parcels: readonly Parcel[]; zone: string }) {
  const { t, find, language } = useLanguage();
  return (
    <table className="station__table">
      <thead>
        <tr>
          <th scope="col">{t("station.waybill")}</th>
          <th scope="col">{t("station.company")}</th>
          <th scope="col">{t("station.recipient")}</th>
          <th scope="col">{t("search.status")}</th>
          <th scope="col">{t("search.since")}</th>
          <th scope="col">{t("search.next")}</th>
        </tr>
      </thead>
      <tbody>
        {parcels.map((parcel) => (
          <tr key={parcel.id}>
            <td className="num">
              {parcel.waybill}
              {parcel.pieces > 1 && ` · ${t("search.piece", { piece: parcel.piece, pieces: parcel.pieces })}`}
            </td>
            <td>{parcel.company_id}</td>
            <td>
              {parcel.recipient_name} <span className="num muted">{parcel.recipient_phone}</span>
            </td>
            <td>
              <span className="chip">{find(`custody.${parcel.status}`) ?? parcel.status}</span>
            </td>
            <td className="num">{formatMoment(parcel.since, zone, language)}</td>
            <td>{find(`next.${parcel.next_step}`) ?? parcel.next_step}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

async function everyParcel(region: string, signal: AbortSignal): Promise<Parcel[]> {
  const found: Parcel[] = [];
  let cursor: string | null = null;
  do {
    const query: { region: string; limit: number; cursor?: string } = { region, limit: PAGE_SIZE };
    if (cursor !== null) query.cursor = cursor;
    const page: { items: Parcel[]; next_cursor: string | null } = await answered(api.GET("/api/v1/parcels", { params: { query }, signal }));
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}
