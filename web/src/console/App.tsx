import { useEffect, useMemo, useState } from "react";

import { api, answered, onLoggedOut } from "../api/client";
import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import type { Me } from "../api/types";
import { Warning } from "../design/icons";
import { todayIn } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { Login } from "../session/Login";
import { useSession } from "../session/Session";
import { Activity } from "./Activity";
import { Answers } from "./Answers";
import { County } from "./county/County";
import { Day } from "./Day";
import { Devices } from "./Devices";
import { EditPlan } from "./editing/EditPlan";
import { Head } from "./Head";
import { Modes } from "./modes/Modes";
import { usePlace } from "./place";
import { Promises } from "./Promises";
import { Sorting } from "./sorting/Sorting";
import { Habit } from "./habit/Habit";
import { Siting } from "./siting/Siting";

const MAY_USE = ["dispatcher", "admin"];

export function App() {
  const { t } = useLanguage();
  const { current, logOut, expired } = useSession();
  useEffect(() => onLoggedOut(expired), [expired]);
  if (current.state === "asking") return <p className="empty muted">{t("app.loading")}</p>;
  if (current.state === "out") return <Login title="login.console" problem={current.problem} />;
  if (!MAY_USE.includes(current.me.role)) {
    return (
      <main className="empty">
        <Warning />
        <p>{t("app.no_role", { role: current.me.role })}</p>
        <button type="button" className="button" onClick={() => void logOut()}>
          {t("app.logout")}
        </button>
      </main>
    );
  }
  return <Console me={current.me} onLogOut={() => void logOut()} />;
}

function Console({ me, onLogOut }: { me: Me; onLogOut(): void }) {
  const language = useLanguage();
  const { t } = language;
  const [place, go] = usePlace();
  const [searched, setSearched] = useState<string | null>(null);
  const regions = useResource("regions", (signal) => answered(api.GET("/api/v1/regions", { signal })));
  const known = useMemo(() => regions.data?.items ?? [], [regions.data]);
  const region = known.find((one) => one.name === place.region) ?? known[0] ?? null;
  const usual = useResource(region && place.day === null ? `usual-day/${region.name}` : null, (signal) =>
    usualDay(region?.name ?? "", todayIn(region?.zone ?? "UTC", new Date()), signal),
  );
  const day = place.day ?? usual.data ?? (usual.problem && region ? todayIn(region.zone, new Date()) : null);

  const head = (children: React.ReactNode) => (
    <Head
      regions={known}
      region={region?.name ?? null}
      day={day}
      username={me.username}
      onRegion={(name) => go({ region: name, route: null, stop: null })}
      onDay={(next) => go({ day: next, route: null, stop: null })}
      onSearch={setSearched}
      onLogOut={onLogOut}
    >
      <Views view={place.view} onView={(view) => go({ view, route: null, stop: null })} />
      {children}
    </Head>
  );

  if (!region || day === null) {
    return (
      <div className="console">
        {head(null)}
        <main className="empty">
          {regions.problem && <p role="alert">{explain(regions.problem, language)}</p>}
          {(regions.loading || usual.loading) && <p className="muted">{t("app.loading")}</p>}
          {regions.data && known.length === 0 && <p>{t("app.no_region")}</p>}
        </main>
      </div>
    );
  }
  if (place.view === "edit") {
    return (
      <div className="console console--page console--full">
        {head(null)}
        <EditPlan key={`${region.name}/${day}`} region={region} day={day} shown={place.route} />
      </div>
    );
  }
  if (place.view === "answers") {
    return (
      <div className="console console--page">
        {head(null)}
        <Answers key={`${region.name}/${day}`} region={region} day={day} go={go} />
      </div>
    );
  }
  if (place.view === "county") {
    return (
      <div className="console console--page">
        {head(null)}
        <County key={`${region.name}/${day}`} region={region} day={day} />
      </div>
    );
  }
  if (place.view === "siting") {
    return (
      <div className="console console--page">
        {head(null)}
        <Siting key={region.name} region={region} />
      </div>
    );
  }
  if (place.view === "modes") {
    return (
      <div className="console console--page">
        {head(null)}
        <Modes key={region.name} region={region} day={day} />
      </div>
    );
  }
  if (place.view === "sorting") {
    return (
      <div className="console console--page">
        {head(null)}
        <Sorting key={`${region.name}/${day}`} region={region.name} day={day} />
      </div>
    );
  }
  if (place.view === "promises") {
    return (
      <div className="console console--page">
        {head(null)}
        <Promises key={`${region.name}/${day}`} region={region.name} day={day} zone={region.zone} onParcel={(key) => { go({ view: null }); setSearched(key); }} />
      </div>
    );
  }
  if (place.view === "habit") {
    return (
      <div className="console console--page">
        {head(null)}
        <Habit key={region.name} region={region} day={day} />
      </div>
    );
  }
  if (place.view === "activity") {
    return (
      <div className="console console--page">
        {head(null)}
        <Activity region={region.name} day={day} />
      </div>
    );
  }
  if (place.view === "devices") {
    return (
      <div className="console console--page">
        {head(null)}
        <Devices region={region.name} zone={region.zone} admin={me.role === "admin"} />
      </div>
    );
  }
  return (
    <Day
      key={`${region.name}/${day}`}
      region={region}
      day={day}
      place={place}
      go={go}
      head={head}
      searched={searched}
      onSearched={setSearched}
    />
  );
}

/** What the console shows: the day's plan, the activity of kiosks and stations, or how devices are. */
function Views({ view, onView }: { view: string | null; onView(view: string | null): void }) {
  const { t } = useLanguage();
  const kinds = [
    [null, t("view.plan")],
    ["edit", t("view.edit")],
    ["answers", t("view.answers")],
    ["county", t("view.county")],
    ["siting", t("view.siting")],
    ["sorting", t("view.sorting")],
    ["promises", t("view.promises")],
    ["habit", t("view.habit")],
    ["modes", t("view.modes")],
    ["activity", t("view.activity")],
    ["devices", t("view.devices")],
  ] as const;
  return (
    <nav className="views" aria-label={t("view.title")}>
      {kinds.map(([kind, title]) => (
        <button
          key={title}
          type="button"
          className={`button ${kind === view ? "button--primary" : "button--quiet"}`}
          aria-current={kind === view ? "page" : undefined}
          data-view={kind ?? "plan"}
          onClick={() => onView(kind)}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}

/** Today, unless only a later day has a plan: then the next such day, which is what a dispatcher works on. */
async function usualDay(region: string, today: string, signal: AbortSignal): Promise<string> {
  const plans = await answered(api.GET("/api/v1/plans", { params: { query: { region } }, signal }));
  const days = plans.items.map((plan) => plan.day).filter((day) => day >= today);
  return days.sort()[0] ?? today;
}
