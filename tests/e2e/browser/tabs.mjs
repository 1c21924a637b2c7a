// Readers of served pages: `node tabs.mjs URL` reads steps from stdin, one JSON value on each line, and writes what came of each. All tabs are
// of one browser.
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";

const [url] = process.argv.slice(2);
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
const tabs = [];
/** What the pages complain about. */
const told = [];

/** Lets a test say whether a tab is seen; runs in the page, before its own script. */
function inject() {
  let hidden = false;
  Object.defineProperty(document, "hidden", { get: () => hidden });
  globalThis.hide = (value) => { hidden = value; document.dispatchEvent(new Event("visibilitychange")); };
}
await context.addInitScript(inject);

async function open(path) {
  const page = await context.newPage();
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(error.message));
  await page.goto(new URL(path, url).href);
  // It is gone after a reload.
  await page.evaluate(() => { globalThis.opened = true; });
  tabs.push(page);
}

const steps = {
  /** Opens tabs at these paths, one after the other. */
  open: async (paths) => { for (const path of paths) await open(path); },
  /** Waits until every tab shows a text, and tells how many were never reloaded. */
  see: async (text) => {
    await Promise.all(tabs.map((page) => page.getByText(text).first().waitFor({ timeout: 60_000 })));
    const kept = await Promise.all(tabs.map((page) => page.evaluate(() => globalThis.opened === true)));
    return kept.filter(Boolean).length;
  },
  /** Hides all tabs, or shows them. */
  hide: (value) => Promise.all(tabs.map((page) => page.evaluate((value) => globalThis.hide(value), value))).then(() => null),
  /** Puts the focus of the first tab on a link, and scrolls to the end. */
  settle: (href) => tabs[0].evaluate((href) => {
    document.querySelector(`main a[href="${href}"]`).focus({ preventScroll: true });
    window.scrollTo(0, 400);
  }, href).then(() => null),
  /** Where the reader of the first tab is. */
  place: () => tabs[0].evaluate(() => [document.activeElement.getAttribute("href"), window.scrollY]),
  /** What a tab shows. */
  read: (index) => tabs[index].locator("body").innerText(),
  told: () => told,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[step, argument]] = Object.entries(JSON.parse(line));
  const result = await Promise.resolve(steps[step](argument)).then((value) => value ?? null, (error) => ({ error: error.message }));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await browser.close();
