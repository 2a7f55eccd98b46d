import type { ReactNode } from "react";

import type { Region } from "../api/types";
import { ChevronLeft, ChevronRight, LogOut, Mark } from "../design/icons";
import { dayAfter, formatDay } from "../i18n/format";
import { LanguageSwitch } from "../i18n/LanguageSwitch";
import { useLanguage } from "../i18n/language";
import { SearchField } from "./ParcelSearch";

export interface HeadProps {
  regions: readonly Region[];
  region: string | null;
  day: string | null;
  username: string;
  /** State of the plan and what can be done with it. */
  children: ReactNode;
  onRegion(name: string): void;
  onDay(day: string): void;
  onSearch(key: string): void;
  onLogOut(): void;
}

/** Where and when, the state of the plan, and what to do with it. */
export function Head(props: HeadProps) {
  const { t } = useLanguage();
  return (
    <header className="head">
      <span className="head__brand">
        <Mark />
        村达 <small>Cunda</small>
      </span>
      <label>
        <span className="visually-hidden">{t("head.region")}</span>
        <select className="input" value={props.region ?? ""} onChange={(event) => props.onRegion(event.target.value)}>
          {props.region === null && <option value="">–</option>}
          {props.regions.map((region) => (
            <option key={region.name} value={region.name}>
              {region.title}
            </option>
          ))}
        </select>
      </label>
      {props.day !== null && <DayChoice day={props.day} onDay={props.onDay} />}
      {props.children}
      <span className="head__gap" />
      <SearchField onSearch={props.onSearch} />
      <span className="head__rule" />
      <LanguageSwitch />
      <button type="button" className="button button--quiet" onClick={props.onLogOut} title={`${t("app.logout")} · ${props.username}`} aria-label={t("app.logout")}>
        <LogOut />
      </button>
    </header>
  );
}

function DayChoice({ day, onDay }: { day: string; onDay(day: string): void }) {
  const { t, language } = useLanguage();
  return (
    <div className="day-choice" role="group" aria-label={t("head.day")}>
      <button type="button" className="button button--quiet" aria-label={t("head.day_before")} onClick={() => onDay(dayAfter(day, -1))}>
        <ChevronLeft />
      </button>
      <label className="day-choice__label num">
        {formatDay(day, language)}
        <input
          type="date"
          aria-label={t("head.day")}
          value={day}
          onChange={(event) => event.target.value !== "" && onDay(event.target.value)}
          onClick={(event) => event.currentTarget.showPicker?.()}
        />
      </label>
      <button type="button" className="button button--quiet" aria-label={t("head.day_after")} onClick={() => onDay(dayAfter(day, 1))}>
        <ChevronRight />
      </button>
    </div>
  );
}
