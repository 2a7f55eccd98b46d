import { lazy, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import type { Me } from "../api/types";
import { explain } from "../api/problem";
import { Check, List, MapSheet, NoSignal, Parcel, Signal, Warning } from "../design/icons";
import { formatDay, formatDaySeconds } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import { LanguageSwitch } from "../i18n/LanguageSwitch";
import { Login } from "../session/Login";
import { useSession } from "../session/Session";
import { ChangedRoute } from "./ChangedRoute";
import { findScanned, nextStop, openParcels, type CourierParcel, type CourierStop } from "./day";
import { NextStop } from "./NextStop";
import { OutboxSheet } from "./OutboxSheet";
import type { Failure } from "./OutcomeSheet";
import { listenForScans } from "./scan";
import { signal } from "./signals";
import { StopList } from "./StopList";
import { useHandheld, type Handheld } from "./useHandheld";

const CourierMap = lazy(() => import("./CourierMap"));

export function App() {
  const { t } = useLanguage();
  const { current, logOut } = useSession();
  if (current.state === "asking") return <p className="hand__pad muted">{t("app.loading")}</p>;
  if (current.state === "out") return <Login title="login.courier" problem={current.problem} />;
  if (current.me.role !== "courier") {
    return (
      <main className="hand__pad">
        <p className="notice notice--warn">
          <Warning />
          {t("app.no_role", { role: current.me.role })}
        </p>
        <button type="button" className="button button--large" onClick={() => void logOut()}>
          {t("app.logout")}
        </button>
      </main>
    );
  }
  return <Hand key={current.me.user_id} me={current.me} />;
}

type Tab = "now" | "list" | "map";

const TAB_ICONS: Record<Tab, ReactNode> = { now: <Parcel />, list: <List />, map: <MapSheet /> };

function Hand({ me }: { me: Me }) {
  const language = useLanguage();
  const { t } = language;
  const { logOut } = useSession();
  const hand = useHandheld(me);
  const [tab, setTab] = useState<Tab>("now");
  const [chosen, setChosen] = useState<string | null>(null);
  const [outboxOpen, setOutboxOpen] = useState(false);
  const [scan, setScan] = useState<{ parcelId: string | null; text: string; good: boolean } | null>(null);
  const { day, done } = hand;

  useEffect(() => {
    return listenForScans((code) => {
      const found = day ? findScanned(day, code) : [];
      const open = found.find((one) => !done.has(one.parcel.id)) ?? found[0];
      if (!open) {
        signal("wrong");
        setScan({ parcelId: null, text: t("scan.unknown", { code }), good: false });
        return;
      }
      const again = done.has(open.parcel.id);
      signal(again ? "duplicate" : "ok");
      setScan({ parcelId: open.parcel.id, text: t(again ? "scan.again" : "scan.found", { code, label: open.stop.label }), good: !again });
      setChosen(open.stop.id);
      setTab("now");
    });
  }, [day, done, t]);

  const body = useRef<HTMLElement>(null);
  useEffect(() => {
    void body.current?.scrollTo(0, 0);
  }, [tab]);

  const stop = useMemo(() => {
    if (!day) return null;
    const asked = day.stops.find((one) => one.id === chosen);
    return asked && openParcels(asked, done).length > 0 ? asked : nextStop(day, done);
  }, [day, done, chosen]);

  const finished = day ? day.stops.filter((one) => openParcels(one, done).length === 0).length : 0;

  async function record(type: "done" | "failed", parcels: readonly CourierParcel[], failure?: Failure) {
    if (!stop) return;
    await hand.record(stop, type, parcels, failure);
    setChosen(null);
    setScan(null);
  }

  return (
    <div className="hand">
      <header className="hand__head">
        <span className="hand__number num">{day ? day.number : "–"}</span>
        <div>
          <h1>{day ? day.vehicle : t("login.courier")}</h1>
          {day && (
            <p className="num">
              {formatDay(day.day, language.language)} · {t("hand.progress", { done: finished, all: day.stops.length })}
            </p>
          )}
        </div>
        <NetBadge hand={hand} onOpen={() => setOutboxOpen(true)} />
        {day && (
          <div className="progress" aria-hidden="true">
            <span style={{ width: `${(finished / Math.max(day.stops.length, 1)) * 100}%` }} />
          </div>
        )}
      </header>
      <main className="hand__body" ref={body}>
        {scan && (
          <div className="scan-note" role="status">
            <p className={scan.good ? "notice" : "notice notice--warn"}>
              {scan.good ? <Check /> : <Warning />}
              <span className="notice__body">{scan.text}</span>
            </p>
          </div>
        )}
        {day && hand.fresh && <ChangedRoute known={day} fresh={hand.fresh} refused={hand.refused} onAnswer={hand.answer} />}
        {hand.problem && !day && (
          <div className="hand__pad">
            <p className="notice notice--warn" role="alert">
              <Warning />
              <span className="notice__body">{explain(hand.problem, language)}</span>
            </p>
            <button type="button" className="button button--large" onClick={hand.reload}>
              {t("app.retry")}
            </button>
          </div>
        )}
        {!day && !hand.problem && <p className="hand__pad muted">{hand.loading ? t("app.loading") : t("hand.no_route")}</p>}
        {day && tab === "now" && (
          <div className="hand__pad">
            {stop ? (
              <NextStop
                stop={stop}
                day={day.day}
                zone={day.zone}
                done={done}
                scanned={scan?.parcelId ?? null}
                onDone={(parcels) => record("done", parcels)}
                onFailed={(parcels, failure) => record("failed", parcels, failure)}
              />
            ) : (
              <section className="card empty">
                <Check />
                <h2>{t("hand.all_done")}</h2>
                <p>{hand.counts.waiting > 0 ? t("hand.all_done_waiting", { count: hand.counts.waiting }) : t("hand.back")}</p>
              </section>
            )}
            {stop && <Coming day={day.stops} after={stop.position} done={done} />}
          </div>
        )}
        {day && tab === "list" && (
          <>
            <StopList
              stops={day.stops}
              done={done}
              outcomes={hand.outcomes}
              onStop={(id) => {
                setChosen(id);
                setTab("now");
              }}
            />
            <div className="hand__pad hand__foot">
              <LanguageSwitch />
              <button type="button" className="button button--large" onClick={() => void logOut()}>
                {t("app.logout")} · {me.username}
              </button>
            </div>
          </>
        )}
        {day && tab === "map" && (
          <Suspense fallback={<p className="hand__pad muted">{t("app.loading")}</p>}>
            <CourierMap day={day} done={done} next={stop?.id ?? null} />
          </Suspense>
        )}
      </main>
      <nav className="hand__tabs" aria-label={t("hand.views")}>
        {(["now", "list", "map"] as const).map((name) => (
          <button key={name} type="button" className="hand__tab" aria-current={tab === name ? "page" : undefined} onClick={() => setTab(name)}>
            {TAB_ICONS[name]}
            {t(`hand.tab.${name}`)}
          </button>
        ))}
      </nav>
      {outboxOpen && (
        <OutboxSheet
          rows={hand.rows}
          zone={day?.zone ?? "UTC"}
          waybillOf={hand.waybillOf}
          onSend={hand.send}
          onDismiss={(id) => void hand.dismiss(id)}
          onClose={() => setOutboxOpen(false)}
        />
      )}
    </div>
  );
}

/** Network and outbox at a glance; no network is a state, not an error (HH-14). */
function NetBadge({ hand, onOpen }: { hand: Handheld; onOpen(): void }) {
  const { t } = useLanguage();
  const { waiting, refused } = hand.counts;
  const calm = hand.online && waiting === 0 && refused === 0;
  return (
    <button type="button" className={calm ? "net" : "net net--waiting"} onClick={onOpen} data-online={hand.online} data-waiting={waiting}>
      <span className="net__state">
        {hand.online ? <Signal /> : <NoSignal />}
        {t(hand.online ? "net.online" : "net.offline")}
      </span>
      <span>
        {refused > 0 ? t("net.refused", { count: refused }) : waiting > 0 ? t("net.waiting", { count: waiting }) : t("net.sent")}
      </span>
    </button>
  );
}

function Coming({ day, after, done }: { day: readonly CourierStop[]; after: number; done: ReadonlySet<string> }) {
  const { t } = useLanguage();
  const coming = day.filter((stop) => stop.position > after && stop.parcels.some((parcel) => !done.has(parcel.id))).slice(0, 3);
  if (coming.length === 0) return null;
  return (
    <section className="coming" aria-label={t("hand.coming")}>
      <h3 className="muted">{t("hand.coming")}</h3>
      <ol>
        {coming.map((stop) => (
          <li key={stop.id}>
            <span className="num">{formatDaySeconds(stop.arrivalS)}</span>
            <span className="num muted">{stop.label}</span>
            <span>{stop.name}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
