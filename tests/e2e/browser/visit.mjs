// A person with a wallet in a browser: `node visit.mjs URL RPC ACCOUNT` reads steps from stdin, one JSON value on each line, and
// writes what came of each. The wallet announces itself (EIP-6963) and lets the node sign, which has the keys of its accounts.
import { createInterface } from "node:readline";
import { launch } from "./chromium.mjs";

const [url, rpc, account, more] = process.argv.slice(2);
/** How the wallet behaves, and what it was asked. Of several answers or receipts, each is for one request. With `wraps`, it wraps its errors; with `code`,
 * its node has that at every address; with `locked`, it offers its account only when it is asked to. */
const wallet =
  { locked: false, account, chain: 31337, knows: [31337], answers: "sends", receipts: "come", asked: [], wraps: false, code: null };
/** What it says of itself. */
const info = { uuid: "b9d5f9b5-7a0c-4f4a-9a52-0f4b3b6f5b1e", name: "Test wallet", icon: "data:,", rdns: "test.wallet", ...JSON.parse(more ?? "{}") };
/** What its node answers without it. */
const READS = ["eth_call", "eth_getTransactionByHash", "eth_getTransactionCount"];
/** Lets a wallet that waits go on. */
let release;
const released = new Promise((resolve) => { release = resolve; });
/** What such a wallet then does. */
let late = Promise.resolve();

async function node(method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await answer.json();
  if (error) throw error;
  return result;
}

/** What the wallet does before the node signs: what each transaction or signature meets. */
const behaviors = {
  sends: (request) => request,
  rejects: () => { throw { code: 4001, message: "User rejected the request." }; },
  fails: () => { throw { code: -32603, message: "Internal error" }; },
  loses: ({ method, params }) => node(method, params).then(behaviors.fails),
  starves: ({ method, params: [transaction] }) => ({ method, params: [{ ...transaction, gas: "0xc350" }] }),
  waits: (request) => released.then(() => request),
  changes: ({ method, params: [transaction] }) => ({ method, params: [{ ...transaction, value: "0x1" }] }),
  raises: ({ method, params: [transaction] }) => ({
    method,
    params: [{ ...transaction, maxFeePerGas: `0x${(2n * BigInt(transaction.maxFeePerGas)).toString(16)}` }],
  }),
};

/** What the wallet says of a receipt. */
const receipts = {
  come: (params) => node("eth_getTransactionReceipt", params),
  fail: () => { throw { code: -32005, message: "Too many requests" }; },
  lack: () => null,
};

/** The behavior for the next request. */
function next(behavior) {
  return Array.isArray(behavior) ? behavior.shift() : behavior;
}

function switchTo(chain) {
  if (!wallet.knows.includes(chain)) {
    const unknown = { code: 4902, message: `Unrecognized chain ${chain}` };
    throw wallet.wraps ? { code: -32603, message: unknown.message, data: { originalError: unknown } } : unknown;
  }
  wallet.chain = chain;
  return null;
}

/** What is asked of another wallet has a prefix; it does the same. */
async function provide({ prefix, method, params }) {
  wallet.asked.push(`${prefix}${method}`);
  switch (method) {
    case "eth_accounts":
      return wallet.locked ? [] : [wallet.account];
    case "eth_requestAccounts":
      return [wallet.account];
    case "eth_chainId":
      return `0x${wallet.chain.toString(16)}`;
    case "wallet_switchEthereumChain":
      return switchTo(Number(params[0].chainId));
    case "wallet_addEthereumChain":
      wallet.added = params[0];
      wallet.knows.push(Number(params[0].chainId));
      return null;
    case "eth_getCode":
      return wallet.code ?? node(method, params);
    case "eth_getTransactionReceipt":
      return receipts[next(wallet.receipts) ?? "come"](params);
    default:
      if (READS.includes(method)) return node(method, params);
      late = Promise.resolve({ method, params })
        .then(behaviors[next(wallet.answers)])
        .then((request) => node(request.method, request.params));
      return late;
  }
}

/** Runs in the page: announces a wallet now, and whenever it is asked to. */
function inject({ info, prefix }) {
  const provider = {
    async request(request) {
      const { result, error } = await globalThis.provide({ ...request, prefix });
      if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data });
      return result;
    },
  };
  const announce = () => {
    const detail = Object.freeze({ info, provider });
    dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  };
  addEventListener("eip6963:requestProvider", announce);
  announce();
}

async function open() {
  const browser = await launch();
  const page = await browser.newPage();
  page.on("console", (message) => wallet.asked.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wallet.asked.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wallet.asked.push(`dialog: ${dialog.message()}`); dialog.accept(); });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(url).origin) wallet.asked.push(`request: ${request.url()}`);
  });
  await page.exposeFunction("provide", (request) =>
    provide(request).then((result) => ({ result }), (error) => ({ error })));
  await page.addInitScript(inject, { info, prefix: "" });
  return page;
}

const page = await open();
const steps = {
  /** Opens an address, by default the command's. */
  goto: (address) => page.goto(address === true ? url : address),
  reload: () => page.reload(),
  /** Presses the button with this name. */
  press: (name) => page.getByRole("button", { name, exact: true }).click(),
  /** Fills in fields by their labels. */
  fill: async (fields) => {
    for (const [label, value] of Object.entries(fields)) await page.locator("#pledge").getByLabel(label).fill(value);
  },
  /** Chooses from lists by their labels. */
  choose: async (lists) => {
    for (const [label, value] of Object.entries(lists)) await page.locator("#pledge").getByLabel(label).selectOption(value);
  },
  /** Follows the link with a text. */
  follow: (text) => page.getByRole("link", { name: text }).click(),
  /** The calls of the plan. */
  plan: () => page.locator("#steps li").evaluateAll((steps) => steps.map(({ dataset }) => ({ ...dataset }))),
  /** The buttons that wallets have, and their pictures. */
  offers: () => page.locator("#wallets button").evaluateAll((all) =>
    all.map((one) => [one.innerText, one.querySelector("img")?.getAttribute("src") ?? null, one.childElementCount])),
  /** What the wallet was told of a chain. */
  added: () => wallet.added,
  /** Waits until the page shows a text. */
  see: (text) => page.getByText(text).first().waitFor(),
  /** Has another wallet announce itself, which says that it is the same. */
  intrude: (name) => page.evaluate(inject, { info: { ...info, uuid: crypto.randomUUID(), name }, prefix: "other " }),
  /** Has the page wait for nothing. */
  hurry: () => page.evaluate(() => {
    const later = setTimeout;
    globalThis.setTimeout = (work) => later(work);
  }),
  /** Changes the wallet. */
  wallet: (change) => Object.assign(wallet, change),
  /** Confirms what the wallet still holds. The node may refuse it by then. */
  release: () => { release(); return late.catch(() => {}); },
  /** What the page shows. */
  read: () => page.locator("main").innerText(),
  /** The address in the bar. */
  address: () => page.url(),
  /** What the wallet was asked so far. */
  asked: () => wallet.asked,
  /** Sends a request from a page, and tells the status or that the browser did not let it through. */
  fetch: ([path, options]) =>
    page.evaluate(([path, options]) =>
      fetch(path, options).then((answer) => answer.status, () => "blocked"), [path, options]),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[step, argument]] = Object.entries(JSON.parse(line));
  const result = await Promise.resolve(steps[step](argument)).then((value) => value ?? null, (error) => ({ error: error.message }));
  const text = ["read", "address", "asked", "fetch", "plan", "offers", "added"].includes(step) || result?.error ? result : null;
  process.stdout.write(`${JSON.stringify(text)}\n`);
}
await page.context().browser().close();
