#!/usr/bin/env node
// Compiles the contracts that Levee's gas is compared with, each by the compiler and from the package that it was
// written for, and prints their creation code as JSON by name.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const HERE = dirname(fileURLToPath(import.meta.url));
const MODULES = join(HERE, "..", "..", "node_modules");

// Where a contract is, the compiler it is for, and the settings that Levee's own contracts have, as far as they existed.
const PEERS = [
  {
    compiler: "solc",
    source: "openzeppelin-4/utils/escrow/RefundEscrow.sol",
    contracts: ["RefundEscrow"],
    settings: { viaIR: true, evmVersion: "prague" },
  },
  {
    compiler: "solc-0.5",
    source: "peers/Crowdsale.sol",
    contracts: ["PeerCrowdsale", "PeerToken"],
    settings: {},
  },
];

/** The text of an import: of a package, or of this folder. */
function read(path) {
  const file = path.startsWith("peers/") ? join(HERE, path.slice("peers/".length)) : join(MODULES, path);
  return { contents: readFileSync(file, "utf8") };
}

/** Creation code by name. */
function compile({ compiler, source, contracts, settings }) {
  const input = {
    language: "Solidity",
    sources: { [source]: { content: read(source).contents } },
    settings: {
      ...settings,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(require(join(MODULES, compiler)).compile(JSON.stringify(input), { import: read }));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return contracts.map((name) => [name, `0x${output.contracts[source][name].evm.bytecode.object}`]);
}

try {
  process.stdout.write(JSON.stringify(Object.fromEntries(PEERS.flatMap(compile)), null, 2) + "\n");
} catch (error) {
  process.stderr.write(`tools/peers/compile.mjs: ${error.message}\n`);
  process.exitCode = 1;
}
