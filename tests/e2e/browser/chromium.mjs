// The pinned Chromium for Linux on x86-64, with the libraries and fonts that it needs: `node chromium.mjs` unpacks it once, and
// `launch` starts it, or the one at the path in CHROMIUM.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packed = join(root, "node_modules/@sparticuz/chromium");
const { version } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8"));
const unpacked = join(root, `.tools/chromium-${version}`);
const own = process.env.CHROMIUM;

function read(name) {
  return brotliDecompressSync(readFileSync(join(packed, "bin", name)));
}

/** Unpacks everything elsewhere first, so that what is interrupted is made again. */
function unpack() {
  if (own || existsSync(unpacked)) return;
  mkdirSync(join(root, ".tools"), { recursive: true });
  const directory = mkdtempSync(`${unpacked}-`);
  writeFileSync(join(directory, "chromium"), read("chromium.br"), { mode: 0o755 });
  for (const archive of ["al2023.tar.br", "fonts.tar.br"]) {
    execFileSync("tar", ["-x", "-C", directory], { input: read(archive) });
  }
  const fonts = `<fontconfig><dir>${unpacked}/fonts</dir><cachedir>${unpacked}/cache</cachedir></fontconfig>`;
  writeFileSync(join(directory, "fonts.conf"), fonts);
  try {
    renameSync(directory, unpacked);
  } catch (error) {
    rmSync(directory, { recursive: true });
    // Somebody else was faster.
    if (!existsSync(unpacked)) throw error;
  }
}

/** Starts the browser. Its own sandbox needs rights that containers lack, and it only opens pages of the tests. */
export function launch() {
  const args = ["--no-sandbox", "--disable-gpu"];
  if (own) return chromium.launch({ executablePath: own, args });
  const env = { HOME: unpacked, LD_LIBRARY_PATH: join(unpacked, "lib"), FONTCONFIG_FILE: join(unpacked, "fonts.conf") };
  return chromium.launch({ executablePath: join(unpacked, "chromium"), args, env });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) unpack();
