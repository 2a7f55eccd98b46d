import { describe, expect, it } from "vitest";

import { contrast, ROUTE_COLORS, routeColor } from "./colors";

describe("colours of routes", () => {
  it("web_12 carry white numbers with the contrast of level AA", () => {
    for (const color of ROUTE_COLORS) expect(contrast(color, "#ffffff"), color).toBeGreaterThanOrEqual(4.5);
  });

  it("differ between neighbouring numbers", () => {
    for (let number = 1; number < 60; number++) expect(routeColor(number)).not.toBe(routeColor(number + 1));
  });
});
