/** What a keeper does at the counter, and what an office reads in the evening. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

const openTab = (page, name) => page.click(`[data-tab=${name}]`);

/** Scan three in, one without consent; ask for it; find by phone tail; take one out by code; count the rest. */
export async function keeperDay({ page, config, picture }) {
  await page.goto(`${config.url}/station/`);
  await logIn(page, config.station);
  await page.waitForSelector("[data-tab=scan_in]");
  await openTab(page, "scan_in");
  for (const waybill of config.waybills) {
    await page.fill("input[name=scan]", waybill);
    await page.keyboard.press("Enter");
  }
  await page.click(".desk__line .button--primary");
  await page.waitForSelector("[data-outcome=refused]");
  const refused = await page.locator("[data-outcome=refused] .chip").innerText();
  const stored = await page.locator("[data-outcome=stored]").count();
  await picture("station-scan-in");
  await page.fill("[data-outcome=refused] input", "CALL-7");
  await page.click("[data-outcome=refused] .button");
  await page.waitForFunction((all) => document.querySelectorAll("[data-outcome=stored]").length === all, config.waybills.length);

  await openTab(page, "find");
  await page.fill("input[type=search]", config.tail);
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-parcel]");
  const candidates = await page.locator("[data-parcel]").count();
  const shown = await page.locator(".station__table").innerText();
  const mistakes = await accessibilityMistakes(page);
  await picture("station-find");

  await openTab(page, "take_out");
  await page.fill("input[name=digits]", "00000000");
  await page.keyboard.press("Enter");
  const wrong = await page.locator("[role=alert]").innerText();
  await page.fill("input[name=digits]", config.digits);
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-taken=collected]");

  await openTab(page, "count");
  await page.click(".button--large");
  await page.waitForSelector("input[name=scan]");
  await page.fill("input[name=scan]", config.waybills[1]);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("input[name=scan]")?.value === "");
  await page.click(".desk__line .button--primary");
  await page.waitForSelector("[data-differences]");
  const differences = await page.locator("[data-differences]").getAttribute("data-differences");
  await picture("station-count");
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("main button, main input:not([type=checkbox])")].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML.slice(0, 80)),
  );
  return { refused, stored, candidates, shown, wrong, differences, mistakes, small };
}

/** The activity page: a chart, every figure in a table, grouped another way. */
export async function activityPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}&view=activity`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector("[data-row=total]");
  const total = await page.locator("[data-row=total]").innerText();
  const bars = await page.locator("[data-group]").count();
  await page.click(".activity__head .button >> nth=2");
  await page.waitForFunction((before) => document.querySelectorAll("[data-group]").length !== before, bars);
  const mistakes = await accessibilityMistakes(page);
  await picture("activity");
  return { total, bars, mistakes };
}
