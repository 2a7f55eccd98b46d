import { useState, type SubmitEvent } from "react";

import { explain, type ProblemBody } from "../api/problem";
import { Mark, Warning } from "../design/icons";
import { LanguageSwitch } from "../i18n/LanguageSwitch";
import { useLanguage, type MessageKey } from "../i18n/language";
import { useSession } from "./Session";

export function Login({ title, problem }: { title: MessageKey; problem?: ProblemBody | undefined }) {
  const language = useLanguage();
  const { t } = language;
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ProblemBody | undefined>(problem);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setRefused(undefined);
    const answer = await session.logIn(String(form.get("username")), String(form.get("password")));
    setBusy(false);
    if (answer) setRefused(answer);
  }

  return (
    <main className="login">
      <form className="login__card" onSubmit={(event) => void submit(event)}>
        <div className="login__head">
          <Mark size={40} />
          <div>
            <h1>{t("app.name")}</h1>
            <p className="muted">{t(title)}</p>
          </div>
        </div>
        <label className="field">
          <span>{t("login.username")}</span>
          <input className="input" name="username" autoComplete="username" autoCapitalize="none" required autoFocus />
        </label>
        <label className="field">
          <span>{t("login.password")}</span>
          <input className="input" name="password" type="password" autoComplete="current-password" required />
        </label>
        {refused && (
          <div className="notice notice--danger" role="alert">
            <Warning />
            <span className="notice__body">{explain(refused, language)}</span>
          </div>
        )}
        <button className="button button--primary" type="submit" disabled={busy}>
          {busy ? t("login.busy") : t("login.submit")}
        </button>
        <div className="login__foot">
          <span>{t("app.tagline")}</span>
          <LanguageSwitch />
        </div>
      </form>
    </main>
  );
}
