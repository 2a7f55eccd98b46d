import { useEffect, useState } from "react";

import { api, answered } from "../api/client";
import { explain } from "../api/problem";
import { useResource } from "../api/resource";
import type { components } from "../api/schema";
import type { Region } from "../api/types";
import { formatMoment, signedMinutes } from "../i18n/format";
import { useLanguage } from "../i18n/language";
import type { Place } from "./place";
import { RouteBadge } from "./RouteBadge";

type Offer = components["schemas"]["OfferView"];

const FRESH_MS = 15_000;
const TONES: Record<Offer["state"], string> = {
  refused: "chip chip--danger",
  waiting: "chip chip--warn",
  withdrawn: "chip chip--warn",
  accepted: "chip chip--good",
  known: "chip",
};

/** What each courier was asked and answered: refusals with their reasons and missing answers first. */
export function Answers({ region, day, go }: { region: Region; day: string; go(change: Partial<Place>): void }) {
  const language = useLanguage();
  const { t } = language;
  const [opened, setOpened] = useState<string | null>(null);
  const offers = useResource(`offers/${region.name}/${day}`, async (signal) => {
    const plans = await answered(api.GET("/api/v1/plans", { params: { query: { region: region.name, day } }, signal }));
    const plan = plans.items[0];
    if (!plan) return [];
    return (await answered(api.GET("/api/v1/plans/{plan_id}/offers", { params: { path: { plan_id: plan.id } }, signal }))).items;
  });
  const fleet = useResource(`fleet/${region.name}`, (signal) => answered(api.GET("/api/v1/fleet", { params: { query: { region: region.name } }, signal })));
  const { reload } = offers;
  useEffect(() => {
    const timer = setInterval(reload, FRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const found = offers.data;
  const count = (state: Offer["state"]) => found?.filter((one) => one.state === state).length ?? 0;
  const courier = (id: string) => fleet.data?.couriers.find((one) => one.id === id)?.name ?? id;
  return (
    <main className="activity" aria-busy={offers.loading}>
      <div className="activity__head">
        <h1>{t("answers.title")}</h1>
        {found && found.length > 0 && (
          <p className="num" role="status">{t("answers.sum", { waiting: count("waiting"), refused: count("refused"), accepted: count("accepted") })}</p>
        )}
      </div>
      <p className="muted">{t("answers.help")}</p>
      {offers.problem && <p className="notice notice--danger" role="alert">{explain(offers.problem, language)}</p>}
      {offers.loading && !found && <p className="muted">{t("app.loading")}</p>}
      {found?.length === 0 && <p>{t("answers.none")}</p>}
      {found && found.length > 0 && (
        <div className="activity__scroll" tabIndex={0} role="region" aria-label={t("answers.title")}>
          <table className="activity__table answers__table">
            <thead>
              <tr>
                {(["route", "courier", "state", "changes", "reason", "since", "at"] as const).map((name) => (
                  <th key={name} scope="col">{t(`answers.${name}`)}</th>
                ))}
                <th scope="col"><span className="visually-hidden">{t("answers.edit")}</span></th>
              </tr>
            </thead>
            <tbody>
              {found.map((one) => (
                <tr key={one.courier_id} data-offer={one.state}>
                  <td><RouteBadge number={one.number} /></td>
                  <th scope="row">{courier(one.courier_id)}</th>
                  <td><span className={TONES[one.state]}>{t(`answers.${one.state}`)}</span></td>
                  <td>
                    {one.changes.length > 0 && (
                      <button type="button" className="button button--quiet" aria-expanded={opened === one.courier_id} onClick={() => setOpened(opened === one.courier_id ? null : one.courier_id)}>
                        {t("edit.changes", { count: one.changes.length })}
                      </button>
                    )}
                    {opened === one.courier_id && <Changes changes={one.changes} />}
                  </td>
                  <td>{one.reason}</td>
                  <td className="num">{formatMoment(one.since, region.zone, language.language)}</td>
                  <td className="num">{one.answered_at === null ? "–" : formatMoment(one.answered_at, region.zone, language.language)}</td>
                  <td>
                    {(one.state === "refused" || one.state === "waiting") && (
                      <button type="button" className="button" onClick={() => go({ view: "edit", route: one.vehicle_id, stop: null })}>{t("answers.edit")}</button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  );
}

function Changes({ changes }: { changes: Offer["changes"] }) {
  const { t } = useLanguage();
  return (
    <ul>
      {changes.map((change, at) => (
        <li key={at}>
          <strong className="num">{change.label}</strong> {change.name}:{" "}
          {change.kind === "eta_moved" ? signedMinutes(change.shift_s) : t(`changed.${change.kind}`, { parcels: change.parcel_ids.length, minutes: 0 })}
        </li>
      ))}
    </ul>
  );
}
