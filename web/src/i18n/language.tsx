import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

import en from "./en.json";
import { formatMessage, type Values } from "./message";
import zh from "./zh-CN.json";

export type Language = "zh-CN" | "en";
export type MessageKey = keyof typeof en;

export const CATALOGUES: Record<Language, Record<string, string>> = { "zh-CN": zh, en };

const STORED = "cunda.language";

/** The language of the browser's owner; Chinese when they ask for neither of ours. */
export function preferredLanguage(stored: string | null, browser: readonly string[]): Language {
  if (stored === "zh-CN" || stored === "en") return stored;
  for (const tag of browser) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "zh") return "zh-CN";
    if (primary === "en") return "en";
  }
  return "zh-CN";
}

export interface Translator {
  language: Language;
  setLanguage(language: Language): void;
  /** Translate a key of the catalogues. */
  t(key: MessageKey, values?: Values): string;
  /** Translate a key made from data, such as an error code; undefined when there is no such entry. */
  find(key: string, values?: Values): string | undefined;
}

export function translator(language: Language, setLanguage: (language: Language) => void): Translator {
  const find = (key: string, values: Values = {}): string | undefined => {
    const message = CATALOGUES[language][key];
    return message === undefined ? undefined : formatMessage(message, values, language);
  };
  return { language, setLanguage, find, t: (key, values) => find(key, values) ?? key };
}

const LanguageContext = createContext<Translator | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setState] = useState<Language>(() =>
    preferredLanguage(localStorage.getItem(STORED), navigator.languages),
  );
  const setLanguage = useCallback((next: Language) => {
    localStorage.setItem(STORED, next);
    setState(next);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo(() => translator(language, setLanguage), [language, setLanguage]);
  return <LanguageContext value={value}>{children}</LanguageContext>;
}

export function useLanguage(): Translator {
  const found = useContext(LanguageContext);
  if (!found) throw new Error("useLanguage needs a LanguageProvider around it");
  return found;
}
