import { useEffect, useRef } from "react";

import { api, answered } from "../api/client";
import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import { Close, Search, Warning } from "../design/icons";
import { formatDay, formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import type { Custody } from "../api/types";

/** The field in the head; "/" reaches it from anywhere. */
export function SearchField({ onSearch }: { onSearch(key: string): void }) {
  const { t } = useLanguage();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const inField = event.target instanceof Element && event.target.matches("input, textarea, select");
      if (event.key !== "/" || inField || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const key = field.current?.value.trim() ?? "";
        if (key !== "") onSearch(key);
      }}
    >
      <Search />
      <input
        ref={field}
        className="input"
        type="search"
        maxLength={64}
        placeholder={t("search.label")}
        aria-label={t("search.label")}
        autoComplete="off"
        spellCheck={false}
      />
    </form>
  );
}

export interface ParcelAnswerProps {
  parcelKey: string;
  zone: string;
  nameParty(party: string): string;
  onClose(): void;
}

/** The ledger's answer: where is it, who has it, since when, what next. */
export function ParcelAnswer({ parcelKey, zone, nameParty, onClose }: ParcelAnswerProps) {
  const language = useLanguage();
  const { t } = language;
  const heading = useRef<HTMLHeadingElement>(null);
  const found = useResource(parcelKey, (signal) =>
    answered(api.GET("/api/v1/parcels/{key}/custody", { params: { path: { key: parcelKey } }, signal })),
  );
  useEffect(() => {
    heading.current?.focus();
  }, [parcelKey]);
  return (
    <section
      className="drawer"
      aria-label={t("search.title")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="drawer__head">
        <h2 ref={heading} tabIndex={-1} className="num">
          {parcelKey}
        </h2>
        <button type="button" className="button button--quiet" onClick={onClose} aria-label={t("app.close")}>
          <Close />
        </button>
      </div>
      {found.loading && <p className="answer muted">{t("app.loading")}</p>}
      {found.problem && (
        <div className="answer" role="alert">
          <p className="notice notice--warn">
            <Warning />
            {explain(found.problem, language)}
          </p>
        </div>
      )}
      {found.data?.items.map((one) => <Answer key={one.parcel_id} one={one} zone={zone} nameParty={nameParty} />)}
    </section>
  );
}

function Answer({ one, zone, nameParty }: { one: Custody; zone: string; nameParty(party: string): string }) {
  const { t, find, language } = useLanguage();
  const until = one.next_on ? ` · ${formatDay(one.next_on, language)}` : "";
  return (
    <div className="answer">
      <p>
        <span className="chip chip--info">{find(`custody.${one.status}`) ?? one.status}</span>{" "}
        {one.pieces > 1 && <span className="chip num">{t("search.piece", { piece: one.piece, pieces: one.pieces })}</span>}
      </p>
      <dl className="answer__grid">
        <dt>{t("search.where")}</dt>
        <dd>{nameParty(one.where)}</dd>
        <dt>{t("search.who")}</dt>
        <dd>{nameParty(one.who)}</dd>
        <dt>{t("search.since")}</dt>
        <dd className="num">{formatMoment(one.since, zone, language)}</dd>
        <dt>{t("search.next")}</dt>
        <dd>
          {find(`next.${one.next_step}`) ?? one.next_step}
          {until}
        </dd>
      </dl>
      <ol className="history" aria-label={t("search.history")}>
        {[...one.history].reverse().map((event) => (
          <li key={event.event_id}>
            <span className="num muted">{formatMoment(event.fact_at, zone, language)}</span>{" "}
            {find(`event.${event.type}`) ?? event.type}
            {event.cause && ` · ${find(`cause.${event.cause}`) ?? event.cause}`}
            {event.to_custodian && <span className="muted"> → {nameParty(event.to_custodian)}</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}
