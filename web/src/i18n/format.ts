/** Numbers, moments and days for a reader. Inside, units are integers: seconds, metres, grams, fen. */

import type { Language } from "./language";

const HOUR_S = 3600;

export function formatCount(value: number, language: Language): string {
  return new Intl.NumberFormat(language).format(value);
}

/** Kilometres from metres: one decimal below ten, none above. */
export function formatKm(metres: number, language: Language): string {
  const km = metres / 1000;
  return new Intl.NumberFormat(language, { maximumFractionDigits: km < 10 ? 1 : 0 }).format(km);
}

export function formatHours(seconds: number, language: Language): string {
  const hours = seconds / HOUR_S;
  return new Intl.NumberFormat(language, { maximumFractionDigits: hours < 100 ? 1 : 0 }).format(hours);
}

export function formatKg(grams: number, language: Language): string {
  const kg = grams / 1000;
  return new Intl.NumberFormat(language, { maximumFractionDigits: kg < 10 ? 1 : 0 }).format(kg);
}

/** Yuan from fen. `whole` drops the fen, for totals of a day. */
export function formatYuan(fen: number, language: Language, whole = false): string {
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "CNY",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: whole ? 0 : 2,
    maximumFractionDigits: whole ? 0 : 2,
  }).format(fen / 100);
}

/** A change of cost with its sign. */
export function signedYuan(fen: number, language: Language): string {
  return `${fen > 0 ? "+" : ""}${formatYuan(fen, language)}`;
}

/** A change of time in whole minutes with its sign. */
export function signedMinutes(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return `${minutes > 0 ? "+" : minutes < 0 ? "−" : ""}${Math.abs(minutes)} min`;
}

/** Clock time from seconds since the plan's local midnight; a time past midnight says so with +1. */
export function formatDaySeconds(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const days = Math.floor(minutes / 1440);
  const text = `${pad(Math.floor(minutes / 60) % 24)}:${pad(minutes % 60)}`;
  return days > 0 ? `${text}+${days}` : text;
}

export function formatMinutes(seconds: number): number {
  return Math.round(seconds / 60);
}

export function formatDay(day: string, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    month: "short",
    day: "numeric",
    weekday: "short",
    timeZone: "UTC",
  }).format(new Date(`${day}T00:00:00Z`));
}

export function formatMoment(moment: string, zone: string, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    month: "numeric",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(new Date(moment));
}

export function formatClock(moment: string, zone: string, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(new Date(moment));
}

/** The calendar day it is now in a zone, as `YYYY-MM-DD`. */
export function todayIn(zone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", timeZone: zone });
  return parts.format(now);
}

/** A day so many days after another, both `YYYY-MM-DD`. */
export function dayAfter(day: string, days: number): string {
  const moment = new Date(`${day}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
