/** What a dispatcher does at the console. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

const chip = (page) => page.locator("[data-version]");

export async function planDay({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  const loginMistakes = await accessibilityMistakes(page);
  await logIn(page, config.dispatcher);
  await page.click("text=智能排线");
  await page.waitForSelector(".run");
  await chip(page).waitFor({ timeout: 120_000 });
  const draft = { version: await chip(page).getAttribute("data-version"), published: await chip(page).getAttribute("data-published") };
  await page.click("button:has-text('发布')");
  await page.waitForSelector("[data-published=true]");
  await page.waitForSelector(".map[data-ready=true]");
  await page.waitForFunction(() => document.querySelectorAll(".timeline__bar g").length > 0);
  const result = {
    draft,
    published: await chip(page).getAttribute("data-published"),
    routes: await page.locator(".route-row").count(),
    timelineRows: await page.locator(".timeline__row").count(),
    assigned: await page.locator("[data-kpi=parcels] dd span").first().textContent(),
    attribution: await page.locator(".maplibregl-ctrl-attrib").textContent(),
    language: await page.evaluate(() => document.documentElement.lang),
  };
  await picture("console-zh");
  const mistakes = [...loginMistakes, ...(await accessibilityMistakes(page))];
  await page.click("button[lang=en]");
  await page.waitForSelector("text=Plan again");
  await picture("console-en");
  return { ...result, mistakes, stored: await page.evaluate(() => localStorage.getItem("cunda.language")) };
}

/** Keyboard only: a route, a stop, its parcels. */
export async function byKeyboard({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  await logIn(page, config.dispatcher);
  const first = page.locator(".route-row").first();
  await first.waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".timeline__bar g").length > 0);
  for (let steps = 0; steps < 60 && !(await first.evaluate((row) => row === document.activeElement)); steps++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.waitForSelector(".panel--detail");
  const stop = page.locator(".stop-row").first();
  for (let steps = 0; steps < 200 && !(await stop.evaluate((row) => row === document.activeElement)); steps++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.waitForSelector(".parcel");
  const result = {
    pressed: await first.getAttribute("aria-pressed"),
    timelinePressed: await page.locator(".timeline__row[aria-pressed=true]").count(),
    parcels: await page.locator(".parcel").count(),
    phones: await page.locator(".parcel__who").allTextContents(),
    hash: new URL(page.url()).hash,
    mistakes: await accessibilityMistakes(page),
  };
  await picture("console-route");
  await page.locator(".timeline__row[aria-pressed=true]").focus();
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() => document.activeElement?.getAttribute("data-route") !== null);
  return { ...result, moved: (await page.locator(".timeline__row").nth(1).getAttribute("aria-pressed")) === "true" };
}

/** Stays open while a kiosk's drop-off is put on a published route elsewhere. */
export async function watchDay({ page, config, picture, tell }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  await logIn(page, config.dispatcher);
  await page.click("role=tab[name=/动态/]");
  await page.waitForSelector("role=status >> text=实时");
  const before = await page.locator("[data-kpi=parcels] dd span").first().textContent();
  const navigations = await page.evaluate(() => performance.getEntriesByType("navigation").length);
  await page.evaluate(() => (window.sameDocument = true));
  await tell("watching");
  await page.waitForSelector("[data-kind='plan.inserted']");
  await page.waitForFunction((old) => document.querySelector("[data-kpi=parcels] dd span")?.textContent !== old, before);
  await page.waitForFunction(() => [...document.querySelectorAll(".feed-row__about")].some((one) => one.textContent !== "…"));
  await picture("console-live");
  return {
    before,
    after: await page.locator("[data-kpi=parcels] dd span").first().textContent(),
    version: await chip(page).getAttribute("data-version"),
    feed: await page.locator(".feed-row").allTextContents(),
    reloaded: !(await page.evaluate(() => window.sameDocument === true)),
    navigations,
  };
}

export async function findParcel({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector(".route-row");
  await page.keyboard.press("/");
  await page.keyboard.type(config.waybill);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".answer__grid");
  const answer = await page.locator(".answer").first().innerText();
  await picture("console-parcel");
  await page.fill("input[type=search]", "NO-SUCH-WAYBILL");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".drawer [role=alert]");
  return { answer, unknown: await page.locator(".drawer [role=alert]").innerText() };
}

export async function regionWithoutRoads({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector(".map[data-ready=true]");
  await picture("console-estimated");
  return { label: await page.locator(".map-area__over").innerText() };
}

export async function wrongPassword({ page, config }) {
  await page.goto(`${config.url}/console/`);
  await logIn(page, { ...config.dispatcher, password: "not the password" });
  const zh = await page.locator("[role=alert]").innerText();
  await page.click("button[lang=en]");
  return { zh, en: await page.locator("[role=alert]").innerText() };
}

export async function stationList({ page, config, picture }) {
  await page.goto(`${config.url}/station/`);
  await logIn(page, config.station);
  await page.waitForSelector(".station__table tbody tr");
  await picture("station-zh");
  const all = await page.locator("tbody tr").count();
  await page.fill("input[type=search]", config.waybill);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  return { all, found: await page.locator("tbody tr").count(), mistakes: await accessibilityMistakes(page) };
}

/** Every page of the console on a phone's width, then in English on a desk's: nothing sticks out, nothing is unlabelled. */
export async function everyPage({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector("[data-view]");
  const views = await page.locator("[data-view]").evaluateAll((all) => all.map((one) => one.getAttribute("data-view")));
  const wrong = [];
  for (const [width, height] of [[360, 760], [1440, 900]]) {
    await page.setViewportSize({ width, height });
    for (const view of views) {
      await page.focus(`[data-view=${view}]`);
      await page.keyboard.press("Enter"); // by keyboard, as the rest of the page can be used
      await page.waitForSelector(`[data-view=${view}][aria-current=page]`);
      await page.waitForLoadState("networkidle").catch(() => undefined);
      // On a busy machine the page before may stand a moment longer: what counts is where it comes to rest.
      const fits = () => document.documentElement.scrollWidth <= innerWidth;
      await page.waitForFunction(fits, undefined, { timeout: 5000 }).catch(() => undefined);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wrong.push(`${view} at ${width}: ${over} px too wide`);
      wrong.push(...(await accessibilityMistakes(page)).map((one) => `${view} at ${width}: ${one}`));
      if (width === 360) await picture(`narrow-${view}`);
    }
    await page.click("button[lang=en]").catch(() => undefined);
  }
  return { views, wrong };
}

