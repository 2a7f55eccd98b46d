/**
 * Colours of routes. Dark enough for white text (AA), and of their hues the ones whose closest pair is farthest apart
 * with and without each kind of colour blindness. Routes beyond the seventh get the colours again with another dash,
 * and every route is named by its number.
 */

export const ROUTE_COLORS = ["#0077bb", "#771100", "#777711", "#cc0088", "#116655", "#3300aa", "#552266"] as const;

export type Dash = "solid" | "dashed" | "dotted";
const DASHES: readonly Dash[] = ["solid", "dashed", "dotted"];

export function routeColor(number: number): string {
  return ROUTE_COLORS[turn(number, ROUTE_COLORS.length)] ?? ROUTE_COLORS[0];
}

/** How a route's line is drawn: its second mark beside the colour. */
export function routeDash(number: number): Dash {
  return DASHES[turn(Math.ceil(number / ROUTE_COLORS.length), DASHES.length)] ?? "solid";
}

function turn(number: number, length: number): number {
  return (((number - 1) % length) + length) % length;
}

/** Contrast of two colours after WCAG 2.2, between 1 and 21. */
export function contrast(first: string, second: string): number {
  const [light, dark] = [luminance(first), luminance(second)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = linearLight(color);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Red, green and blue of a colour as light, each between 0 and 1. */
export function linearLight(color: string): readonly [number, number, number] {
  const channel = (from: number): number => {
    const value = parseInt(color.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}
