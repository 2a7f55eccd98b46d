import { describe, expect, it } from "vitest";

import { CATALOGUES, preferredLanguage } from "./language";
import { formatMessage, valueNames } from "./message";

const [zh, en] = [CATALOGUES["zh-CN"], CATALOGUES.en];

describe("messages", () => {
  it("web_13 fills in names and chooses plurals", () => {
    const message = "{name} has {count, plural, one {# stop} other {# stops}}";
    expect(formatMessage(message, { name: "Li", count: 1 }, "en")).toBe("Li has 1 stop");
    expect(formatMessage(message, { name: "Li", count: 1200 }, "en")).toBe("Li has 1,200 stops");
  });

  it("shows the name of a value that was not given", () => {
    expect(formatMessage("{who} left", {}, "en")).toBe("{who} left");
  });

  it("takes Chinese unless the reader's browser asks for English first", () => {
    expect(preferredLanguage(null, ["en-GB", "zh"])).toBe("en");
    expect(preferredLanguage(null, ["de", "zh-TW"])).toBe("zh-CN");
    expect(preferredLanguage(null, ["fr"])).toBe("zh-CN");
    expect(preferredLanguage("en", ["zh-CN"])).toBe("en");
  });
});

describe("catalogues", () => {
  it("web_13 hold the same keys in Chinese and in English", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  });

  it("web_13 take the same values in every entry", () => {
    for (const key of Object.keys(en)) {
      expect([key, valueNames(zh[key] ?? "")]).toEqual([key, valueNames(en[key] ?? "")]);
    }
  });

  it("web_13 leave no entry empty and every entry readable", () => {
    for (const [language, catalogue] of Object.entries(CATALOGUES)) {
      for (const [key, message] of Object.entries(catalogue)) {
        expect(message.trim(), `${language} ${key}`).not.toBe("");
        expect(() => formatMessage(message, {}, language)).not.toThrow();
      }
    }
  });
});
