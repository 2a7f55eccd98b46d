import { useState } from "react";

import { formatHours, formatKm, formatYuan } from "../../i18n/format";
import { useLanguage, type MessageKey } from "../../i18n/language";
import type { Draft } from "./draft";
import type { DraftWork } from "./useDraft";

/** The draft in figures, and what is done with all of it: take back, compare, re-optimise, copy, save. */
export function DraftBar({ work, draft }: { work: DraftWork; draft: Draft }) {
  const { t, language } = useLanguage();
  const [naming, setNaming] = useState(false);
  const { figures } = draft;
  const ended = work.saved !== null;
  const plain = (label: MessageKey, act: () => void, off = false, pressed?: boolean) => (
    <button type="button" className="button" disabled={work.busy || off} aria-pressed={pressed} onClick={act}>{t(label)}</button>
  );
  return (
    <div className="editing__bar" role="toolbar" aria-label={t("edit.title")}>
      {draft.name !== "" && <strong className="editing__name">{draft.name}</strong>}
      <span className="chip num" data-steps={draft.steps}>{t("edit.steps", { count: draft.steps })}</span>
      <span className="chip num" data-cost={figures.cost_fen}>{formatYuan(figures.cost_fen, language)}</span>
      <span className="chip num">{formatKm(figures.distance_m, language)} km · {formatHours(figures.duration_s, language)} h</span>
      <span className={figures.late_stops ? "chip chip--warn num" : "chip num"}>{t("edit.late", { count: figures.late_stops })}</span>
      <span className={figures.violations ? "chip chip--danger num" : "chip num"} data-violations={figures.violations}>{t("edit.broken", { count: figures.violations })}</span>
      <span className="editing__acts">
        {plain("edit.undo", work.undo, draft.can_undo === 0)}
        {plain("edit.redo", work.redo, draft.can_redo === 0)}
        {plain("edit.compare", () => work.compare(), false, work.comparison !== null)}
        {plain("edit.optimise", work.optimise, work.optimising !== null)}
        {plain("edit.what_if", () => setNaming(!naming), false, naming)}
        {plain("edit.variants", work.showVariants, false, work.variants !== null)}
        {plain("edit.save", () => work.save(false), ended)}
        <button type="button" className="button button--primary" disabled={work.busy || ended} onClick={() => work.save(true)}>{t("edit.publish")}</button>
      </span>
      {naming && (
        <form
          className="editing__form"
          onSubmit={(event) => {
            event.preventDefault();
            work.copy(String(new FormData(event.currentTarget).get("name") ?? ""));
            setNaming(false);
          }}
        >
          <label>
            {t("edit.copy_name")}
            <input className="input" name="name" maxLength={80} required autoFocus />
          </label>
          <button type="submit" className="button button--primary" disabled={work.busy}>{t("edit.copy")}</button>
        </form>
      )}
    </div>
  );
}
