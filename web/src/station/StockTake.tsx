import { useState } from "react";

import { asProblem, type ProblemBody } from "../api/problem";
import { useLanguage } from "../i18n/language";
import { beginCount, closeCount, scanCount, type Count, type Desk } from "./desk";
import { Trouble } from "./Find";

/** Zone by zone, cell by cell: what lies where. The differences are listed and signed; nothing is corrected. */
export function StockTake({ siteId }: Desk) {
  const { t } = useLanguage();
  const [count, setCount] = useState<Count | null>(null);
  const [zone, setZone] = useState("");
  const [cell, setCell] = useState("");
  const [parcel, setParcel] = useState("");
  const [problem, setProblem] = useState<ProblemBody | null>(null);
  const act = async (work: Promise<Count>) => {
    setProblem(null);
    try {
      const next = await work;
      setCount(next);
      return next;
    } catch (error) {
      setProblem(asProblem(error));
      return null;
    }
  };
  const begin = async () => {
    const begun = await act(beginCount(siteId));
    const first = begun && Object.keys(begun.zones)[0];
    if (begun && first !== undefined && first !== null) {
      setZone(first);
      setCell(begun.zones[first]?.[0] ?? "");
    }
  };
  if (count === null || count.closed_at !== null) {
    return (
      <section aria-label={t("station.count")}>
        {problem && <Trouble problem={problem} />}
        {count?.result && <Result result={count.result} />}
        <button type="button" className="button button--primary button--large" onClick={() => void begin()}>
          {t("station.count_begin")}
        </button>
      </section>
    );
  }
  const cells = count.zones[zone] ?? [];
  return (
    <section aria-label={t("station.count")}>
      {problem && <Trouble problem={problem} />}
      <p className="num" role="status">
        {t("station.count_progress", { seen: count.seen, expected: count.expected })}
      </p>
      <form
        className="desk__line"
        onSubmit={(event) => {
          event.preventDefault();
          if (parcel.trim() !== "") void act(scanCount(siteId, count.id, parcel.trim(), cell));
          setParcel("");
        }}
      >
        <label className="field">
          <span>{t("station.zone")}</span>
          <select
            className="input"
            value={zone}
            onChange={(event) => {
              setZone(event.target.value);
              setCell(count.zones[event.target.value]?.[0] ?? "");
            }}
          >
            {Object.keys(count.zones).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("station.cell")}</span>
          <select className="input" name="cell" value={cell} onChange={(event) => setCell(event.target.value)}>
            {cells.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="field desk__grow">
          <span>{t("station.scan_field")}</span>
          <input className="input" name="scan" value={parcel} onChange={(event) => setParcel(event.target.value)} autoFocus />
        </label>
        <button type="submit" className="button">
          {t("station.add")}
        </button>
        <button type="button" className="button button--primary" onClick={() => void act(closeCount(siteId, count.id))}>
          {t("station.count_sign")}
        </button>
      </form>
    </section>
  );
}

function Result({ result }: { result: Record<string, unknown> }) {
  const { t } = useLanguage();
  const listed = (name: string): string[] => {
    const found = result[name];
    return Array.isArray(found) ? found.map(String) : [];
  };
  const wrong = Object.entries((result["wrong_cell"] ?? {}) as Record<string, [string, string]>);
  const rows: [string, string[]][] = [
    [t("station.missing"), listed("missing")],
    [t("station.surplus"), listed("surplus")],
    [t("station.wrong_cell"), wrong.map(([parcel, [book, seen]]) => `${parcel}: ${book} → ${seen}`)],
  ];
  return (
    <dl className="desk__result" data-differences={rows.reduce((sum, [, found]) => sum + found.length, 0)}>
      {rows.map(([title, found]) => (
        <div key={title}>
          <dt>
            {title} <span className="num">{found.length}</span>
          </dt>
          {found.map((one) => (
            <dd key={one} className="num">
              {one}
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}
