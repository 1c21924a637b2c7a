// A reader of a page: `node page.mjs FILE_OR_URL [DIRECTORY]` opens it as a phone and as a desk do, in light and in dark, where the page may run no script,
// and writes what it shows as one JSON value. With a directory, it also leaves pictures there.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./chromium.mjs";

const [file, pictures] = process.argv.slice(2);
const address = file.startsWith("http://") ? file : pathToFileURL(resolve(file)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What a reader finds; runs in the page. */
function look() {
  const { scrollWidth, clientWidth } = document.documentElement;
  const data = (selector) => [...document.querySelectorAll(`${selector} data`)].map((element) => element.value);
  return {
    overflow: scrollWidth - clientWidth,
    locked: data("#locked"),
    target: data("#target"),
    drawn: data("#drawn"),
    text: document.body.innerText,
    links: [...document.querySelectorAll("a[href]")].map((link) => [link.getAttribute("href"), link.rel]),
  };
}

/** Opens the page, which tells what it complains about and what else it asks for. */
async function open(browser, options) {
  const page = await browser.newPage(options);
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  page.on("request", (request) => {
    // A served page loads its own files.
    const isOwn = address.startsWith("http://") && new URL(request.url()).origin === new URL(address).origin;
    if (!request.isNavigationRequest() && !isOwn) told.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return { page, told };
}

/** What axe-core finds, which needs scripts where the page has none. */
async function barriers(browser, options) {
  const { page } = await open(browser, options);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  await page.close();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 5).join(" ")}`);
}

async function read(browser, width, colorScheme) {
  const options = { viewport: { width, height: 800 }, colorScheme };
  const { page, told } = await open(browser, { ...options, javaScriptEnabled: false });
  const seen = await page.evaluate(look);
  if (pictures) await page.screenshot({ path: join(pictures, `${width}-${colorScheme}.png`), fullPage: true });
  await page.close();
  return { width, colorScheme, ...seen, told, violations: await barriers(browser, options) };
}

const browser = await launch();
const readings = [];
for (const width of [360, 1280]) {
  for (const scheme of ["light", "dark"]) readings.push(await read(browser, width, scheme));
}
await browser.close();
process.stdout.write(JSON.stringify(readings));
