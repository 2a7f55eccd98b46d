/** How the office looks at sections and puts them in force. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

/** See the sections of a version not yet in force, point at one, put the version in force. */
export async function habitPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#view=habit&region=demo&day=${config.day}`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector("[data-section]");
  const sections = await page.locator("[data-section]").count();
  await page.locator("[data-section] button").first().click();
  const chosen = await page.locator('[data-section] button[aria-pressed="true"]').count();
  // They are asked for apart from the sections and may come later.
  await page.waitForFunction((kinds) => document.querySelectorAll("[data-finding]").length >= kinds, config.kinds);
  const findings = await page.locator("[data-finding]").count();
  await page.waitForSelector(".habit .map[data-ready=true]");
  await page.locator(".habit__version button").click();
  await page.waitForSelector(".habit__version button", { state: "detached" });
  const mistakes = await accessibilityMistakes(page);
  await picture("habit");
  return { sections, chosen, findings, mistakes };
}
