/** What a sorter does at the table: scan with a gun, type, read the chute, look at what is printed. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

export async function sortParcels({ page, context, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}&view=sorting`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector("tr[data-route]", { timeout: 60_000 });
  const routes = await page.locator("tr[data-route]").count();
  await picture("sorting-empty-zh");

  // A gun types quickly and ends with Enter, wherever the focus is.
  await page.locator("h1").click();
  await page.keyboard.type(config.waybill, { delay: 2 });
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-outcome=sort]");
  const chute = await page.locator("[data-chute]").getAttribute("data-chute");
  await picture("sorting-zh");

  await page.fill("input[name=code]", "XX999999");
  await page.click("button:has-text('查格口')");
  await page.waitForSelector("[data-outcome=unknown]");
  const mistakes = await accessibilityMistakes(page);
  await page.click("button[lang=en]");
  await page.waitForSelector("text=record a surplus scan");
  await picture("sorting-en");

  const opened = context.waitForEvent("page");
  await page.locator("tr[data-route] a").first().click();
  const manifest = await opened;
  await manifest.waitForSelector("svg.code");
  const codes = await manifest.locator("svg.code").count();
  await manifest.screenshot({ path: `${config.pictures}/manifest-en.png`, fullPage: false });
  await manifest.close();

  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}&view=promises`);
  await page.waitForSelector("[data-flag=breached]");
  await picture("promises-en");
  const promised = await accessibilityMistakes(page);
  return { routes, chute, codes, mistakes: [...mistakes, ...promised] };
}
