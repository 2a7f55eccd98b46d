import { useEffect, useState } from "react";

import { api, answered } from "../api/client";
import { asProblem, explain, type ProblemBody } from "../api/problem";
import { useResource } from "../api/resource";
import type { components } from "../api/schema";
import { formatMoment } from "../i18n/format";
import { useLanguage } from "../i18n/language";

type Device = components["schemas"]["DeviceView"];
type Detail = components["schemas"]["DeviceDetail"];
type Rollout = components["schemas"]["RolloutView"];

const REFRESH_MS = 10_000;
const ASK_MS = 1_000;
const CHIPS = { good: "chip chip--good", watch: "chip chip--warn", bad: "chip chip--danger" } as const;
const PARTS = ["succeeded", "soaking", "offered", "waiting", "skipped", "failed"] as const;

export interface DevicesProps {
  region: string;
  zone: string;
  /** Whether the reader may stop rollouts and close alarms. */
  admin: boolean;
}

/** How the region's devices are, what was asked of them, and what rolls out to them. */
export function Devices({ region, zone, admin }: DevicesProps) {
  const language = useLanguage();
  const { t } = language;
  const [chosen, setChosen] = useState<string | null>(null);
  const list = useResource(`devices/${region}`, (signal) =>
    answered(api.GET("/api/v1/devices", { params: { query: { region } }, signal })),
  );
  const rollouts = useResource(`rollouts/${region}`, (signal) =>
    answered(api.GET("/api/v1/rollouts", { params: { query: { region } }, signal })),
  );
  const { reload: reloadList } = list;
  const { reload: reloadRollouts } = rollouts;
  useEffect(() => {
    const timer = setInterval(() => {
      reloadList();
      reloadRollouts();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [reloadList, reloadRollouts]);
  const devices = list.data?.items ?? [];
  return (
    <main className="devices" aria-busy={list.loading}>
      <div className="devices__head">
        <h1>{t("devices.title")}</h1>
        {(["bad", "watch", "good"] as const).map((grade) => (
          <span key={grade} className={`${CHIPS[grade]} num`}>
            {t(`devices.${grade}`)} {devices.filter((device) => device.grade === grade).length}
          </span>
        ))}
      </div>
      {list.problem && (
        <p className="notice notice--danger" role="alert">
          {explain(list.problem, language)}
        </p>
      )}
      {list.data && devices.length === 0 && <p className="muted">{t("devices.none")}</p>}
      {devices.length > 0 && <DeviceTable devices={devices} zone={zone} chosen={chosen} onChoose={setChosen} />}
      {chosen !== null && <DeviceSheet key={chosen} id={chosen} zone={zone} admin={admin} onChanged={reloadList} />}
      <Rollouts items={rollouts.data?.items ?? []} admin={admin} onChanged={reloadRollouts} />
    </main>
  );
}

interface DeviceTableProps {
  devices: readonly Device[];
  zone: string;
  chosen: string | null;
  onChoose(id: string | null): void;
}

const ORDER = { bad: 0, watch: 1, good: 2 } as const;

/** Whoever needs somebody stands first. */
function DeviceTable({ devices, zone, chosen, onChoose }: DeviceTableProps) {
  const { t, find, language } = useLanguage();
  const sorted = [...devices].sort((one, other) => ORDER[one.grade] - ORDER[other.grade] || one.id.localeCompare(other.id));
  return (
    <div className="devices__scroll" tabIndex={0} role="region" aria-label={t("devices.title")}>
      <table className="devices__table">
        <thead>
          <tr>
            {(["device", "health", "presence", "heard", "alarms", "waiting", "settings", "firmware"] as const).map((column) => (
              <th key={column} scope="col">
                {t(`devices.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((device) => (
            <tr key={device.id} data-device={device.id} data-grade={device.grade}>
              <th scope="row">
                <button
                  type="button"
                  className="button button--quiet num"
                  aria-expanded={device.id === chosen}
                  onClick={() => onChoose(device.id === chosen ? null : device.id)}
                >
                  {device.id}
                </button>
              </th>
              <td>
                <span className={CHIPS[device.grade]}>{t(`devices.${device.grade}`)}</span>
              </td>
              <td>{t(`presence.${device.presence ?? "never"}`)}</td>
              <td className="num">{device.heard_at === null ? "–" : formatMoment(device.heard_at, zone, language)}</td>
              <td>{device.alarms.map((kind) => find(`alarm.${kind}`) ?? kind).join(" · ")}</td>
              <td className="num">{device.waiting ?? "–"}</td>
              <td className="num">
                {device.config_in_force}/{device.config_version}
              </td>
              <td>{device.firmware ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DeviceSheetProps {
  id: string;
  zone: string;
  admin: boolean;
  onChanged(): void;
}

/** One device: alarms, doors, settings, command history, and a report on request. */
function DeviceSheet({ id, zone, admin, onChanged }: DeviceSheetProps) {
  const language = useLanguage();
  const { t, find } = language;
  const path = { device_id: id };
  const detail = useResource(`device/${id}`, (signal) =>
    answered(api.GET("/api/v1/devices/{device_id}", { params: { path }, signal })),
  );
  const commands = useResource(`device/${id}/commands`, (signal) =>
    answered(api.GET("/api/v1/devices/{device_id}/commands", { params: { path, query: { limit: 20 } }, signal })),
  );
  const close = async (alarm_id: number) => {
    await answered(api.POST("/api/v1/devices/{device_id}/alarms/{alarm_id}:close", { params: { path: { ...path, alarm_id } } }));
    detail.reload();
    onChanged();
  };
  const found = detail.data;
  const open = found?.alarms.filter((alarm) => alarm.closed_at === null) ?? [];
  return (
    <section className="devices__sheet" aria-label={id} aria-busy={detail.loading}>
      <h2 className="num">{id}</h2>
      {detail.problem && <p role="alert">{explain(detail.problem, language)}</p>}
      <h3>{t("devices.alarms")}</h3>
      {open.length === 0 && <p className="muted">{t("devices.no_alarm")}</p>}
      <ul>
        {open.map((alarm) => (
          <li key={alarm.id} className="devices__alarm">
            <span className="chip chip--warn">{find(`alarm.${alarm.kind}`) ?? alarm.kind}</span>
            <span>{alarm.detail}</span>
            <span className="muted num">
              {formatMoment(alarm.opened_at, zone, language.language)} · ×{alarm.count}
            </span>
            {admin && (
              <button type="button" className="button button--quiet" onClick={() => void close(alarm.id)}>
                {t("devices.close_alarm")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {found && <Doors detail={found} />}
      {found?.config && (
        <p className="num">
          {t("devices.settings")} {found.config.in_force}/{found.config.version}: {JSON.stringify(found.config.settings)}
          {Object.entries(found.config.errors).map(([name, why]) => ` · ${name}: ${why}`)}
        </p>
      )}
      <Report id={id} onDone={commands.reload} />
      <h3>{t("devices.commands")}</h3>
      <ol className="devices__commands">
        {(commands.data?.items ?? []).map((command) => (
          <li key={command.id} className="num">
            {formatMoment(command.issued_at, zone, language.language)} · {command.op} {command.target} · {command.actor} ·{" "}
            {find(`command.${command.state}`) ?? command.state}
            {command.resolution !== null && ` → ${find(`command.${command.resolution}`) ?? command.resolution}`}
            {command.code !== null && ` (${command.code})`}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Doors({ detail }: { detail: Detail }) {
  const { t } = useLanguage();
  const told = detail.telemetry["doors"]?.body["doors"] as Record<string, string> | undefined;
  if (told === undefined) return null;
  return (
    <p className="devices__doors" aria-label={t("devices.doors")}>
      {Object.entries(told).map(([box, state]) => (
        <span key={box} className={state === "unknown" ? "chip chip--warn num" : "chip num"}>
          {box} {t(`door.${state as "open" | "closed" | "unknown"}`)}
        </span>
      ))}
    </p>
  );
}

/** Asks for a report and waits until it is here; nothing moves at the device. */
function Report({ id, onDone }: { id: string; onDone(): void }) {
  const language = useLanguage();
  const { t } = language;
  const [asked, setAsked] = useState<string | null>(null);
  const [report, setReport] = useState<unknown>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const ask = () => {
    setReport(null);
    setProblem(null);
    answered(api.POST("/api/v1/devices/{device_id}:diagnose", { params: { path: { device_id: id } } }))
      .then((answer) => setAsked(answer.command_id))
      .catch((error: unknown) => setProblem(asProblem(error)));
  };
  useEffect(() => {
    if (asked === null) return;
    const abort = new AbortController();
    const timer = setInterval(() => {
      const params = { path: { device_id: id, command_id: asked } };
      answered(api.GET("/api/v1/devices/{device_id}/reports/{command_id}", { params, signal: abort.signal }))
        .then((answer) => {
          if (answer.report === null && answer.state !== "expired" && answer.state !== "refused") return;
          setReport(answer.report ?? { state: answer.state, code: answer.code });
          setAsked(null);
          onDone();
        })
        .catch((error: unknown) => {
          if (abort.signal.aborted) return;
          setProblem(asProblem(error));
          setAsked(null);
        });
    }, ASK_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [asked, id, onDone]);
  return (
    <div>
      <button type="button" className="button" disabled={asked !== null} onClick={ask}>
        {t(asked === null ? "devices.diagnose" : "devices.asked")}
      </button>
      {problem && <p role="alert">{explain(problem, language)}</p>}
      {report !== null && <pre className="devices__report">{JSON.stringify(report, null, 2)}</pre>}
    </div>
  );
}

interface RolloutsProps {
  items: readonly Rollout[];
  admin: boolean;
  onChanged(): void;
}

/** What rolls out, how far it has come, and why it stopped. */
function Rollouts({ items, admin, onChanged }: RolloutsProps) {
  const { t } = useLanguage();
  const stop = async (rollout_id: number) => {
    await answered(api.POST("/api/v1/rollouts/{rollout_id}:stop", { params: { path: { rollout_id } } }));
    onChanged();
  };
  return (
    <section className="devices__rollouts" aria-label={t("rollout.title")}>
      <h2>{t("rollout.title")}</h2>
      {items.length === 0 && <p className="muted">{t("rollout.none")}</p>}
      <ul>
        {items.map((rollout) => (
          <li key={rollout.id} data-rollout={rollout.id} className="devices__rollout">
            <strong className="num">
              {rollout.id} · {rollout.release ?? JSON.stringify(rollout.settings)}
            </strong>
            <span className={rollout.state === "stopped" ? "chip chip--danger" : "chip chip--good"}>{t(`rollout.${rollout.state}`)}</span>
            <Progress rollout={rollout} />
            {rollout.why !== "" && <span className="muted">{rollout.why}</span>}
            {admin && rollout.state === "running" && (
              <button type="button" className="button" onClick={() => void stop(rollout.id)}>
                {t("rollout.stop")}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A bar with one part for each state; the words below it say the same. */
function Progress({ rollout }: { rollout: Rollout }) {
  const { t } = useLanguage();
  const present = PARTS.filter((part) => (rollout.parts[part] ?? 0) > 0);
  return (
    <div className="devices__progress">
      <div className="devices__bar" aria-hidden="true">
        {present.map((part) => (
          <span key={part} data-part={part} style={{ flexGrow: rollout.parts[part] ?? 0 }} />
        ))}
      </div>
      <span className="num">{present.map((part) => `${t(`part.${part}`)} ${rollout.parts[part] ?? 0}`).join(" · ")}</span>
    </div>
  );
}
