// A picture of the beginning of a page: `node picture.mjs FILE PICTURE` draws it up to its thresholds, as it is on a desk.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./chromium.mjs";

const [file, picture] = process.argv.slice(2);
const width = 960;
const browser = await launch();
const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: "light", javaScriptEnabled: false });
await page.goto(pathToFileURL(resolve(file)).href);
const { y, height } = await page.locator("#ladder").boundingBox();
await page.screenshot({ path: picture, clip: { x: 0, y: 0, width, height: Math.ceil(y + height) }, fullPage: true });
await browser.close();
