import { useState } from "react";

import { asProblem, type ProblemBody } from "../api/problem";
import { useLanguage } from "../i18n/language";
import { takeOut, type Desk, type Taken } from "./desk";
import { Trouble } from "./Find";

const DIGITS = 8;

/** A code opens the one cell it is for; why another does not is told to nobody. */
export function TakeOut({ siteId }: Desk) {
  const { t } = useLanguage();
  const [digits, setDigits] = useState("");
  const [taken, setTaken] = useState<Taken | null>(null);
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const submit = async () => {
    setTaken(null);
    setProblem(null);
    try {
      setTaken(await takeOut(siteId, { digits }));
    } catch (error) {
      setProblem(asProblem(error));
    }
    setDigits("");
  };
  return (
    <section aria-label={t("station.take_out")}>
      <form
        className="desk__line"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label className="field">
          <span>{t("station.code")}</span>
          <input
            className="input desk__code num"
            name="digits"
            inputMode="numeric"
            autoComplete="off"
            maxLength={DIGITS}
            value={digits}
            onChange={(event) => setDigits(event.target.value.replace(/\D/g, ""))}
            autoFocus
          />
        </label>
        <button type="submit" className="button button--primary button--large" disabled={digits.length !== DIGITS}>
          {t("station.open")}
        </button>
      </form>
      {problem && <Trouble problem={problem} />}
      {taken && (
        <p className="desk__big" role="status" data-taken={taken.outcome}>
          <strong className="num">{taken.cell}</strong> {t(taken.outcome === "opening" ? "station.opening" : "station.collected")}
        </p>
      )}
    </section>
  );
}
