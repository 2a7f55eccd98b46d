/** What a courier does with the handheld. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

const waiting = (page) => page.locator(".net").getAttribute("data-waiting");

async function settled(page, count) {
  await page.waitForFunction((wanted) => document.querySelector(".net")?.getAttribute("data-waiting") === wanted, String(count));
}

async function finishStop(page) {
  await page.click(".outcomes .button--primary");
  await confirm(page);
}

/** The next stop shows only after the acts are on the phone's disk. */
async function confirm(page) {
  const stop = await page.locator("[data-stop]").first().getAttribute("data-stop");
  await page.click(".sheet .button--primary");
  await page.waitForFunction((done) => document.querySelector("[data-stop]")?.getAttribute("data-stop") !== done, stop);
}

/** Two stops with signal, one without, the page closed and opened in the valley, then signal again. */
export async function workOffline({ context, page, config, picture }) {
  await page.goto(`${config.url}/courier/`);
  await logIn(page, config.courier);
  await page.waitForSelector("[data-stop]");
  await picture("courier-zh");
  const mistakes = await accessibilityMistakes(page);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button")].filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.textContent),
  );
  await page.waitForFunction(() => navigator.serviceWorker.getRegistration().then((one) => one?.active?.state === "activated"));
  await finishStop(page);
  await settled(page, 0);

  await context.setOffline(true);
  const parcels = await page.locator(".pick").count();
  await finishStop(page);
  await settled(page, parcels);
  await picture("courier-offline");
  await page.reload();
  await page.waitForSelector("[data-stop]");
  const afterReload = await waiting(page);
  await context.setOffline(false);
  await settled(page, 0);
  return { mistakes, small, parcels, afterReload, afterSignal: await waiting(page), online: await page.locator(".net").getAttribute("data-online") };
}

export async function failedAttempt({ page, config, picture }) {
  await page.goto(`${config.url}/courier/`);
  await logIn(page, config.courier);
  await page.waitForSelector("[data-stop]");
  const parcels = await page.locator(".pick").count();
  await page.click(".outcomes .button:not(.button--primary)");
  const before = await page.locator(".sheet .button--primary").count();
  await page.click("role=radio[name='无人在家']");
  await picture("courier-failed");
  await confirm(page);
  await settled(page, 0);
  return { parcels, before };
}

export async function scanGun({ page, config, picture }) {
  await page.goto(`${config.url}/courier/`);
  await logIn(page, config.courier);
  await page.waitForSelector("[data-stop]");
  const scan = (code) =>
    page.evaluate((text) => {
      for (const key of [...text, "Enter"]) document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }, code);
  await scan(config.waybill);
  await page.waitForSelector(".scan-note");
  const found = await page.locator(".scan-note").innerText();
  const chosen = await page.locator(".pick[aria-checked=true]").allInnerTexts();
  await scan("UNKNOWN12345");
  await page.waitForFunction(() => document.querySelector(".scan-note")?.textContent?.includes("UNKNOWN12345"));
  await picture("courier-scan");
  return { found, chosen, unknown: await page.locator(".scan-note").innerText() };
}

/** Stays open while the plan changes, sees what changed, accepts it. */
export async function acceptChange({ page, config, picture, tell }) {
  await page.goto(`${config.url}/courier/`);
  await logIn(page, config.courier);
  await page.waitForSelector("[data-stop]");
  await page.click(".hand__tab >> nth=1");
  const before = await page.locator(".list-stop__label").allTextContents();
  await tell("driving");
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.waitForSelector(".changed");
  await picture("courier-changed");
  const notice = await page.locator(".changed").innerText();
  const untouched = await page.locator(".list-stop__label").allTextContents();
  await page.click(".changed .button--primary");
  await page.waitForSelector(".changed", { state: "detached" });
  return { before, notice, untouched, after: await page.locator(".list-stop__label").allTextContents() };
}

/** Stays open while the plan changes, refuses the change with a reason, drives on as before; the refusal outlives a reload. */
export async function refuseChange({ page, config, picture, tell }) {
  await page.goto(`${config.url}/courier/`);
  await logIn(page, config.courier);
  await page.waitForSelector("[data-stop]");
  await tell("driving");
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await page.waitForSelector("[data-change]");
  const changes = await page.locator("[data-change]").count();
  await page.click("[data-refuse]");
  const silent = await page.locator(".sheet .button--primary").isDisabled();
  await page.locator(".sheet .choice").first().click();
  const mistakes = await accessibilityMistakes(page);
  await picture("courier-refuse");
  const sent = page.waitForResponse((response) => response.url().includes("route:answer"));
  await page.click(".sheet .button--primary");
  await page.waitForSelector(".changed--refused");
  await sent;
  await page.reload();
  await page.waitForSelector(".changed--refused");
  return { changes, silent, mistakes };
}
