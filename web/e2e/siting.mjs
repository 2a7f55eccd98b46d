/** How the office looks for places of new kiosks. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

/** Ask for a study of three kiosks, see it come, point at a place in the table and read the map's key. */
export async function sitingPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#view=siting&region=demo`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector(".siting .empty");
  const empty = await page.locator(".siting .empty").innerText();
  await page.locator(".siting__form input[type=number]").first().fill("3");
  await page.click(".siting__quick input");
  await page.click("[data-action=site]");
  await page.waitForSelector("[data-site]", { timeout: 120_000 });
  const places = await page.locator("[data-site]").count();
  const summary = await page.locator("[data-summary=siting]").innerText();
  await page.locator("[data-site] button").first().click();
  const chosen = await page.locator(".siting__row--chosen").count();
  await page.waitForSelector(".siting .map[data-ready=true]");
  const mistakes = await accessibilityMistakes(page);
  await picture("siting");
  return { empty, places, summary, chosen, mistakes };
}
