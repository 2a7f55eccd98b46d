/** A Chromium of the system, watched: what it asks for, what it complains about. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--enable-unsafe-swiftshader", // maps need WebGL, and test machines have no graphics card
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Complaints that are part of a scenario: refused logins, and the graphics driver's hints. */
const EXPECTED = [/status of 40[14]/, /GPU stall/, /ERR_INTERNET_DISCONNECTED/, /ERR_FAILED/];

export async function openBrowser({ url, chromium: executablePath, profile, language, width, height }) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    locale: language,
    timezoneId: "Asia/Shanghai",
    viewport: { width, height },
    reducedMotion: "reduce",
    args: FLAGS,
  });
  const origin = new URL(url).origin;
  const outside = [];
  const complaints = [];
  context.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${origin}/`) && !/^(data|blob):/.test(asked)) outside.push(asked);
  });
  context.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.some((one) => one.test(message.text()))) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  return { context, page, outside, complaints };
}

export async function logIn(page, { username, password }) {
  await page.fill("input[name=username]", username);
  await page.fill("input[name=password]", password);
  await page.click("button[type=submit]");
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Serious accessibility mistakes on the screen as it stands, as short lines. */
export async function accessibilityMistakes(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() =>
    // eslint-disable-next-line no-undef
    axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }),
  );
  return found.violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.nodes[0]?.html.slice(0, 160)} (${one.nodes[0]?.failureSummary?.split("\n")[1]?.trim()})`);
}
