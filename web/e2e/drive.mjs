/**
 * Runs one scenario for the tests in tests/e2e: `node drive.mjs NAME`, its settings as one JSON line on standard input,
 * its result as the last JSON line on standard output. A line `{"tell": …}` before it waits for a line on standard input.
 */

import { join } from "node:path";
import { createInterface } from "node:readline";

import { openBrowser } from "./browser.mjs";
import * as atConsole from "./console.mjs";
import * as onHandheld from "./courier.mjs";
import * as ofDevices from "./devices.mjs";
import * as inDraft from "./editing.mjs";
import * as ofModes from "./modes.mjs";
import * as ofHabit from "./habit.mjs";
import * as ofSiting from "./siting.mjs";
import * as atTable from "./sorting.mjs";
import * as atStation from "./station.mjs";

const scenarios = { ...atConsole, ...onHandheld, ...atStation, ...ofDevices, ...inDraft, ...ofModes, ...ofHabit, ...ofSiting, ...atTable };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const config = JSON.parse((await lines.next()).value);
const say = (body) => process.stdout.write(`${JSON.stringify(body)}\n`);

const { context, page, outside, complaints } = await openBrowser(config);
const picture = (name) => page.screenshot({ path: join(config.pictures, `${name}.png`) });
const tell = async (word) => {
  say({ tell: word });
  await lines.next();
};

let failed = false;
try {
  const result = await scenarios[process.argv[2]]({ context, page, config, picture, tell });
  say({ result, outside, complaints });
} catch (error) {
  failed = true;
  await picture("failed").catch(() => undefined);
  process.stderr.write(`${error.stack}\n${JSON.stringify({ outside, complaints })}\n`);
} finally {
  await context.close();
}
process.exit(failed ? 1 : 0);
