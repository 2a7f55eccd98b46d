/** How a manager compares modes of shared delivery. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

/** Start a small comparison, read its bars, table, map and assumptions in Chinese and in English. */
export async function modesPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#view=modes&region=demo`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector(".modes .empty");
  for (const [index, value] of ["1", "60", "2"].entries()) {
    await page.locator(".modes__form input").nth(index).fill(value);
  }
  await page.click(".modes__form button[type=submit]");
  await page.waitForSelector(".modes__charts", { timeout: 240_000 });
  const ways = await page.locator(".modes__scroll tr[data-way]").count();
  const townships = await page.locator(".modes__mix svg g[data-township]").count();
  const companies = await page.locator("tr[data-company]").count();
  const assumptions = await page.locator(".modes__assumptions li").count();
  const mistakes = await accessibilityMistakes(page);
  await picture("modes-zh");
  await page.reload();
  await page.waitForSelector(".modes__charts", { timeout: 60_000 });
  await page.evaluate(() => document.querySelector(".modes__mix").scrollIntoView());
  await picture("modes-mix");
  return { ways, townships, companies, assumptions, mistakes };
}
