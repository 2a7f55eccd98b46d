import { useLanguage } from "./language";

/** Switches between Chinese and English; each is named in itself, so that it is found by who needs it. */
export function LanguageSwitch() {
  const { language, setLanguage } = useLanguage();
  const other = language === "en" ? "zh-CN" : "en";
  return (
    <button
      type="button"
      className="button button--quiet"
      lang={other}
      onClick={() => setLanguage(other)}
    >
      {other === "en" ? "English" : "中文"}
    </button>
  );
}
