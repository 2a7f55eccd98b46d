import { describe, expect, it } from "vitest";

import { contrast, linearLight, ROUTE_COLORS, routeColor, routeDash } from "./colors";

type Rows = readonly (readonly number[])[];

/** What is left of light without one kind of cone; Machado, Oliveira and Fernandes (2009), severity 1. */
const SIGHT: readonly Rows[] = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
];
/** Ottosson (2020), OKLab. */
const CONES: Rows = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const LAB: Rows = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

const times = (rows: Rows, vector: readonly number[]) => rows.map((row) => row.reduce((sum, one, at) => sum + one * (vector[at] ?? 0), 0));
const seen = (color: string, sight: Rows) =>
  times(LAB, times(CONES, times(sight, linearLight(color)).map((part) => Math.min(1, Math.max(0, part)))).map(Math.cbrt));
const apart = (one: string, other: string) =>
  Math.min(...SIGHT.map((sight) => Math.hypot(...seen(one, sight).map((part, at) => part - (seen(other, sight)[at] ?? 0)))));

describe("colours of routes", () => {
  it("web_12 carry white numbers with the contrast of level AA", () => {
    for (const color of ROUTE_COLORS) expect(contrast(color, "#ffffff"), color).toBeGreaterThanOrEqual(4.5);
  });

  it("differ between neighbouring numbers", () => {
    for (let number = 1; number < 60; number++) expect(routeColor(number)).not.toBe(routeColor(number + 1));
  });

  it("web_12 are told apart with every kind of colour blindness", () => {
    for (const [at, one] of ROUTE_COLORS.entries()) {
      for (const other of ROUTE_COLORS.slice(at + 1)) expect(apart(one, other), `${one} ${other}`).toBeGreaterThan(0.1);
    }
  });

  it("come with another dash the second and third time", () => {
    const marks = Array.from({ length: 3 * ROUTE_COLORS.length }, (_, at) => `${routeColor(at + 1)} ${routeDash(at + 1)}`);
    expect(new Set(marks).size).toBe(marks.length);
    expect(routeDash(1)).toBe("solid");
  });
});
