/** What the office sees of its devices. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

/** Look at the list, open the worst device, ask it for a report, and stop what rolls out. */
export async function devicesPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#view=devices&region=${config.region}`);
  await logIn(page, config.admin);
  await page.waitForSelector("[data-device]");
  const order = await page.locator("[data-device]").evaluateAll((rows) => rows.map((row) => [row.dataset.device, row.dataset.grade]));
  const [worst] = order[0];
  const row = await page.locator(`[data-device=${worst}]`).innerText();
  await page.click(`[data-device=${worst}] button`);
  await page.waitForSelector(".devices__doors");
  const doors = await page.locator(".devices__doors").innerText();
  await page.click(".devices__sheet > div > .button");
  await page.waitForSelector(".devices__sheet > div > .button:disabled");
  const mistakes = await accessibilityMistakes(page);
  await picture("devices");
  const before = await page.locator("[data-rollout]").innerText();
  await page.click("[data-rollout] .button");
  await page.waitForSelector("[data-rollout] .chip--danger");
  const after = await page.locator("[data-rollout]").innerText();
  return { order, row, doors, mistakes, before, after };
}
