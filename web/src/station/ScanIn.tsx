import { useState } from "react";

import { asProblem, type ProblemBody } from "../api/problem";
import { useLanguage } from "../i18n/language";
import { consent, find, refusalReasons, scanIn, type DepositResult, type Desk } from "./desk";
import { Trouble } from "./Find";

/** Parcels scanned one after the other; the server checks consent and condition and says which cell. */
export function ScanIn({ siteId }: Desk) {
  const { t } = useLanguage();
  const [typed, setTyped] = useState("");
  const [batch, setBatch] = useState<string[]>([]);
  const [damaged, setDamaged] = useState<ReadonlySet<string>>(new Set());
  const [results, setResults] = useState<DepositResult[]>([]);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const [busy, setBusy] = useState(false);

  const add = () => {
    const key = typed.trim();
    if (key !== "" && !batch.includes(key)) setBatch([...batch, key]);
    setTyped("");
  };
  const send = async (keys: readonly string[]) => {
    setBusy(true);
    setProblem(null);
    try {
      const told = await scanIn(siteId, keys, damaged);
      setResults((before) => [...told, ...before.filter((one) => !keys.includes(one.key))]);
      setBatch((before) => before.filter((one) => !keys.includes(one)));
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section aria-label={t("station.scan_in")}>
      <form
        className="desk__line"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <label className="field desk__grow">
          <span>{t("station.scan_field")}</span>
          <input className="input" name="scan" value={typed} onChange={(event) => setTyped(event.target.value)} autoFocus />
        </label>
        <button type="submit" className="button">
          {t("station.add")}
        </button>
        <button type="button" className="button button--primary" disabled={batch.length === 0 || busy} onClick={() => void send(batch)}>
          {t("station.store", { count: batch.length })}
        </button>
      </form>
      {problem && <Trouble problem={problem} />}
      {batch.length > 0 && (
        <ul className="desk__list">
          {batch.map((key) => (
            <li key={key}>
              <span className="num">{key}</span>
              <label>
                <input
                  type="checkbox"
                  checked={damaged.has(key)}
                  onChange={(event) => {
                    const next = new Set(damaged);
                    if (event.target.checked) next.add(key);
                    else next.delete(key);
                    setDamaged(next);
                  }}
                />{" "}
                {t("station.damaged")}
              </label>
            </li>
          ))}
        </ul>
      )}
      {results.length > 0 && (
        <ul className="desk__list" aria-live="polite">
          {results.map((one) => (
            <li key={one.key} data-outcome={one.outcome}>
              <span className="num">{one.key}</span>
              {one.outcome === "refused" ? (
                <Refused siteId={siteId} result={one} onConsent={() => void send([one.key])} />
              ) : (
                <strong className="num desk__cell">
                  {one.cell} {one.outcome === "opening" && `· ${t("station.opening")}`}
                </strong>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Why it was refused; a missing consent can be asked for by phone and recorded at once. */
function Refused({ siteId, result, onConsent }: { siteId: string; result: DepositResult; onConsent(): void }) {
  const { t, find: word } = useLanguage();
  const [reference, setReference] = useState("");
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const reasons = refusalReasons(result);
  const record = async () => {
    try {
      const [parcel] = await find(siteId, result.key);
      if (!parcel) return;
      await consent(siteId, parcel.parcel_id, reference.trim());
      onConsent();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <span className="desk__refused">
      {reasons.map((one) => (
        <span key={one} className="chip chip--danger">
          {word(`hindrance.${one}`) ?? word(`problem.${one}`) ?? one}
        </span>
      ))}
      {reasons.length === 1 && reasons[0] === "no_consent" && (
        <>
          <input
            className="input desk__short"
            aria-label={t("station.consent_reference")}
            placeholder={t("station.consent_reference")}
            value={reference}
            onChange={(event) => setReference(event.target.value)}
          />
          <button type="button" className="button" disabled={reference.trim() === ""} onClick={() => void record()}>
            {t("station.consent")}
          </button>
        </>
      )}
      {problem && <Trouble problem={problem} />}
    </span>
  );
}
