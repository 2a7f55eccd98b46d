/** What a dispatcher does on the editing page: try, do, take back, compare, lock, ask why. */

import { accessibilityMistakes, logIn } from "./browser.mjs";

const steps = (page) => page.locator("[data-steps]");

export async function editPlan({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}&view=edit`);
  await logIn(page, config.dispatcher);
  await page.locator(".editing__vehicles button[data-vehicle]").first().click({ timeout: 60_000 });
  const stops = page.locator("button[data-stop]:not([disabled])");
  await stops.nth(2).waitFor({ timeout: 60_000 });
  await page.waitForSelector(".editing[aria-busy=false]");
  const before = await order(page);

  // Keyboard twin of dragging: Alt and an arrow key try the next place.
  const pushed = await stops.nth(1).getAttribute("data-stop");
  await stops.nth(1).focus();
  await page.keyboard.press("Alt+ArrowUp");
  await page.locator("[data-tentative]").waitFor();
  const keptBefore = await steps(page).getAttribute("data-steps");
  const tentative = await page.locator("[data-tentative]").getAttribute("data-tentative");
  const added = await page.locator("[data-added]").getAttribute("data-added");
  if (tentative === "breaks") await page.fill("input[name=reason]", "客户要求");
  await page.locator(".editing__card--try button.button--primary").click();
  await page.waitForSelector("[data-steps='1']");
  await page.waitForSelector(".editing[aria-busy=false]");
  const moved = await order(page);

  await page.keyboard.press("Control+z");
  await page.waitForSelector("[data-steps='2']");
  await page.waitForSelector(".editing[aria-busy=false]");
  const undone = await order(page);
  await page.click("button:has-text('重做')");
  await page.waitForSelector("[data-steps='3']");

  // The menu twin: choose, rank places, ask why, lock.
  await stops.nth(2).click();
  await page.click("button:has-text('最佳位置')");
  await page.waitForSelector("[data-places]");
  const places = Number(await page.locator("[data-places]").getAttribute("data-places"));
  await page.click("button:has-text('为什么')");
  await page.waitForSelector("[data-why=planned]");
  await page.selectOption("select[name=lock]", "vehicle");
  await page.waitForSelector("[data-lock=vehicle]");
  await page.click("button:has-text('对比')");
  await page.waitForSelector("[data-difference]");
  await picture("editing-zh");

  // A stop dragged onto another vehicle, tried and given up; then a copy beside the draft it was made of.
  await stops.nth(0).dragTo(page.locator(".editing__vehicles button[data-vehicle]").nth(1));
  await page.waitForSelector("[data-tentative]");
  const dragged = await page.locator("[data-tentative] li strong").count();
  await page.click("[data-tentative] .button--quiet");
  await page.click("button:has-text('假设方案')");
  await page.fill("input[name=name]", "雨天");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".editing__name:has-text('雨天')");
  await page.click("button:has-text('方案对照')");
  await page.waitForSelector("[data-variant]");
  const variants = await page.locator("[data-variant]").count();
  const mistakes = await accessibilityMistakes(page);
  await page.click("button[lang=en]");
  await page.waitForSelector("text=Save and publish");
  await page.click("button:has-text('Save version')");
  await page.waitForSelector("[data-saved]");
  await picture("editing-en");
  return { before, pushed, moved, undone, keptBefore, added, places, dragged, variants, mistakes, saved: await page.locator("[data-saved]").getAttribute("data-saved") };
}

function order(page) {
  return page.locator("button[data-stop]").evaluateAll((all) => all.map((one) => one.getAttribute("data-stop")));
}

/** What couriers answered: refusals first, with their reasons, and a way to the route. */
export async function couriersAnswers({ page, config, picture }) {
  await page.goto(`${config.url}/console/#region=${config.region}&day=${config.day}&view=answers`);
  await logIn(page, config.dispatcher);
  await page.waitForSelector("[data-offer=refused]", { timeout: 60_000 });
  const states = await page.locator("[data-offer]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-offer")));
  const refused = await page.locator("[data-offer=refused]").first().innerText();
  await page.locator("[data-offer=refused] button[aria-expanded]").first().click();
  await picture("answers-zh");
  const mistakes = await accessibilityMistakes(page);
  await page.locator("[data-offer=refused] .button:not(.button--quiet)").first().click();
  await page.waitForSelector(".editing button[data-stop]", { timeout: 60_000 });
  return { states, refused, mistakes };
}
