import { useEffect, useState } from "react";

import { api, answered, onLoggedOut } from "../api/client";
import { useResource } from "../api/resource";
import { LogOut, Mark, Warning } from "../design/icons";
import { LanguageSwitch } from "../i18n/LanguageSwitch";
import { useLanguage } from "../i18n/language";
import { Login } from "../session/Login";
import { useSession } from "../session/Session";
import { Find } from "./Find";
import { Night } from "./Night";
import { OverdueList } from "./OverdueList";
import { ScanIn } from "./ScanIn";
import { StockTake } from "./StockTake";
import { TakeOut } from "./TakeOut";

export function App() {
  const { t } = useLanguage();
  const { current, logOut, expired } = useSession();
  useEffect(() => onLoggedOut(expired), [expired]);
  if (current.state === "asking") return <p className="station__none muted">{t("app.loading")}</p>;
  if (current.state === "out") return <Login title="login.station" problem={current.problem} />;
  const { me } = current;
  const leave = () => void logOut();
  if (me.role !== "station" || me.region === null || !me.site_id) {
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
  return <Station siteId={me.site_id} region={me.region} onLogOut={leave} />;
}

const TABS = {
  find: Find,
  scan_in: ScanIn,
  take_out: TakeOut,
  overdue: OverdueList,
  count: StockTake,
  night: Night,
} as const;

type Tab = keyof typeof TABS;

/** The keeper's desk: one screen for all companies (S7), one tab for each thing a keeper does. */
function Station({ siteId, region, onLogOut }: { siteId: string; region: string; onLogOut(): void }) {
  const { t } = useLanguage();
  const [tab, setTab] = useState<Tab>("find");
  const about = useResource(region, (signal) => answered(api.GET("/api/v1/regions/{region}", { params: { path: { region } }, signal })));
  const Open = TABS[tab];
  return (
    <div className="station">
      <header className="station__head">
        <Mark />
        <div>
          <h1>{t("login.station")}</h1>
          <p className="muted num">{siteId}</p>
        </div>
        <nav className="station__tabs" aria-label={t("login.station")}>
          {(Object.keys(TABS) as Tab[]).map((one) => (
            <button
              key={one}
              type="button"
              className={`button ${one === tab ? "button--primary" : "button--quiet"}`}
              aria-current={one === tab ? "page" : undefined}
              data-tab={one}
              onClick={() => setTab(one)}
            >
              {t(`station.${one}`)}
            </button>
          ))}
        </nav>
        <LanguageSwitch />
        <button type="button" className="button button--quiet" onClick={onLogOut} aria-label={t("app.logout")} title={t("app.logout")}>
          <LogOut />
        </button>
      </header>
      <main className="station__body">
        <Open siteId={siteId} zone={about.data?.zone ?? "UTC"} />
      </main>
    </div>
  );
}
