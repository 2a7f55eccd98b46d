/**
 * Messages with named values and plurals, the part of ICU MessageFormat that our catalogues use:
 * `{name}` and `{name, plural, one {# stop} other {# stops}}`.
 */

export type Values = Readonly<Record<string, string | number>>;

const PLURAL = /^(\w+),\s*plural,\s*(.*)$/s;

/** Write a message for a reader; a value that is not given stays visible as its name. */
export function formatMessage(message: string, values: Values, language: string): string {
  let out = "";
  let at = 0;
  while (at < message.length) {
    const open = message.indexOf("{", at);
    if (open < 0) return out + message.slice(at);
    const close = closingBrace(message, open);
    out += message.slice(at, open) + fill(message.slice(open + 1, close), values, language);
    at = close + 1;
  }
  return out;
}

/** Names of the values a message takes; both catalogues must agree on them. */
export function valueNames(message: string): string[] {
  const names = new Set<string>();
  for (const match of message.matchAll(/\{\s*(\w+)\s*(?:[},])/g)) {
    if (match[1] !== undefined) names.add(match[1]);
  }
  return [...names].filter((name) => !PLURAL_KEYWORDS.has(name)).sort();
}

const PLURAL_KEYWORDS = new Set(["plural", "one", "other", "few", "many", "two", "zero"]);

function fill(inside: string, values: Values, language: string): string {
  const plural = PLURAL.exec(inside);
  if (!plural) {
    const name = inside.trim();
    return show(values[name], language) ?? `{${name}}`;
  }
  const [, name = "", forms = ""] = plural;
  const count = Number(values[name] ?? 0);
  const form = choose(forms, count, language);
  return formatMessage(form.replaceAll("#", show(count, language) ?? ""), values, language);
}

function show(value: string | number | undefined, language: string): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
}

function choose(forms: string, count: number, language: string): string {
  const found = new Map<string, string>();
  let at = 0;
  while (at < forms.length) {
    const open = forms.indexOf("{", at);
    if (open < 0) break;
    const close = closingBrace(forms, open);
    found.set(forms.slice(at, open).trim(), forms.slice(open + 1, close));
    at = close + 1;
  }
  const category = new Intl.PluralRules(language).select(count);
  return found.get(`=${count}`) ?? found.get(category) ?? found.get("other") ?? "";
}

function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}" && --depth === 0) return at;
  }
  throw new Error(`message has an open brace: ${text}`);
}
