#!/usr/bin/env node
// Writes crates/levee/artifacts/<Name>.json from what `forge build` left in out/, so that `cargo build` needs no
// compiler of Solidity. Run from anywhere, after `forge build`:
//
//   tools/artifacts.mjs [--check] [Name...]
//
// Without names it takes all of CONTRACTS. With --check it writes nothing and exits 1 naming what differs.
// FOUNDRY_OUT names another output directory, as it does for forge.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// The contracts that Rust code deploys, and the lens, which it only runs. The last three are for local chains: the model of
// Lido, and WETH.
const CONTRACTS = [
  "PledgeEscrow",
  "RecoveryPool",
  "BonusPool",
  "PledgeBoard",
  "PledgeRouter",
  "DebtRepayer",
  "StakedEtherUnwinder",
  "RescueLens",
  "Compact",
  "StETH",
  "WstETH",
  "WrappedEther",
];

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUILD = resolve(ROOT, process.env.FOUNDRY_OUT ?? "out");
const ARTIFACTS = join(ROOT, "crates", "levee", "artifacts");

/** What forge built of `name`, as the text of its artifact. */
function artifact(name) {
  const path = join(BUILD, `${name}.sol`, `${name}.json`);
  const built = JSON.parse(readOr(path, `${path} is missing: run \`forge build\` first`));
  for (const code of [built.bytecode, built.deployedBytecode]) {
    if (!/^0x([0-9a-f]{2})+$/.test(code.object)) throw new Error(`${name} has no linked bytecode`);
  }
  const contents = {
    contractName: name,
    abi: built.abi,
    bytecode: built.bytecode.object,
    deployedBytecode: built.deployedBytecode.object,
    immutableReferences: immutableReferences(built),
  };
  return JSON.stringify(contents, null, 2) + "\n";
}

/** Where each immutable sits in the deployed code, in the order of declaration: [offset, length] pairs by rising offset. */
function immutableReferences(built) {
  // Keyed by the ids of the syntax tree, which rise with the source. Objects list such keys by rising number.
  return Object.values(built.deployedBytecode.immutableReferences ?? {}).map((places) =>
    places.map(({ start, length }) => [start, length]).sort(([a], [b]) => a - b),
  );
}

function readOr(path, message) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") throw new Error(message);
    throw error;
  }
}

/** What is wrong with the committed artifacts, one line each. */
function differences(names) {
  const found = [];
  for (const name of names) {
    const committed = readOr(join(ARTIFACTS, `${name}.json`), `crates/levee/artifacts/${name}.json is missing`);
    if (committed !== artifact(name)) found.push(`crates/levee/artifacts/${name}.json differs from the build`);
  }
  return found;
}

function write(names) {
  mkdirSync(ARTIFACTS, { recursive: true });
  for (const name of names) writeFileSync(join(ARTIFACTS, `${name}.json`), artifact(name));
}

function main(args) {
  const check = args.includes("--check");
  const chosen = args.filter((arg) => arg !== "--check");
  const unknown = chosen.filter((name) => !CONTRACTS.includes(name));
  if (unknown.length > 0) throw new Error(`not in the list of contracts: ${unknown.join(", ")}`);

  const names = chosen.length > 0 ? chosen : CONTRACTS;
  if (!check) return write(names);
  const found = differences(names);
  if (found.length > 0) throw new Error(`${found.join("\n")}\nrun \`tools/artifacts.mjs\` after \`forge build\``);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`tools/artifacts.mjs: ${error.message}\n`);
  process.exitCode = 1;
}
