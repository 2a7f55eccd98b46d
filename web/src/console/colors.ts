/** Colours of routes. Dark enough for white text (AA); a route is always named by its number as well. */

export const ROUTE_COLORS = [
  "#c2362b",
  "#1f62b8",
  "#0b7a52",
  "#8b4a9c",
  "#a35b00",
  "#0d7285",
  "#b02a6b",
  "#53710f",
  "#4a4fae",
  "#8d4b2e",
  "#1b7340",
  "#7a5b00",
  "#355f7c",
  "#a13a52",
] as const;

export function routeColor(number: number): string {
  const at = (((number - 1) % ROUTE_COLORS.length) + ROUTE_COLORS.length) % ROUTE_COLORS.length;
  return ROUTE_COLORS[at] ?? ROUTE_COLORS[0];
}

/** Contrast of two colours after WCAG 2.2, between 1 and 21. */
export function contrast(first: string, second: string): number {
  const [light, dark] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const channel = (from: number): number => {
    const value = parseInt(color.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
