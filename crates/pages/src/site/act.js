// Has a wallet of this browser send the calls of a plan that the server has made. The page is whole without it, but for the wallet.
import { button, didNothing, discover, isOn, prepare, sameAccount, staying, wasRejected, words } from "./wallet.js";

/** How often to ask for a receipt, and how often at most. */
const PAUSE = 1_000;
const LOOKS = 600;
/** The parameters of the address that the node of the wallet has answered. */
const ANSWERS = ["shares", "worth"];

const [wallets, statusLine, message, progress, continueButton, steps, reading, checks] =
  ["wallets", "status", "message", "progress", "continue", "steps", "reading", "checks"].map((id) => document.getElementById(id));
const { chain, escrow, code, account, node } = checks.dataset;
/** The wallet that was chosen. */
let wallet = null;
/** The wallet that was chosen before the page was made for its account. It is connected by itself once at most. */
let earlier = sessionStorage.getItem("wallet");
/** Which call is next. */
let next = 0;
/** The transaction of that call once the wallet has sent it: its hash, and its nonce as soon as the node tells it. */
let sent = null;
/** Whether calls are being sent. */
let busy = false;

function warn(text) {
  message.textContent = text;
  message.hidden = text === "";
}

/** The address of the same page with another parameter. */
function addressWith(name, value) {
  const address = new URL(location.href);
  address.searchParams.set(name, value);
  return address;
}

/** Whether this page has just read the answers in its address. Others could say anything, and older ones may be out of date. */
function wereJustRead() {
  const read = sessionStorage.getItem("read");
  sessionStorage.removeItem("read");
  return read === location.search;
}

function areGiven() {
  const given = new URLSearchParams(location.search);
  return ANSWERS.some((name) => given.has(name));
}

/** The address of the same page without answers. */
function unanswered() {
  const address = new URL(location.href);
  ANSWERS.forEach((name) => address.searchParams.delete(name));
  return address;
}

/** A page that is loaded again has no plan any more: it would be carried out twice. */
function forgetPlan() {
  history.replaceState(null, "", `?account=${account}`);
}

/** The wallet stays the same while calls are sent. */
function requireIdle() {
  if (busy) throw new Error("A call is being sent. Choose another wallet when that is done.");
}

/** The account of the page becomes that of the wallet. If nobody has asked for that now, a wallet that offers nothing by itself is left alone. */
async function connect({ name, id, provider }, asked = true) {
  warn("");
  try {
    requireIdle();
    const accounts = await provider.request({ method: asked ? "eth_requestAccounts" : "eth_accounts" });
    if (!asked && (wallet !== null || accounts.length === 0)) return;
    requireIdle();
    sessionStorage.setItem("wallet", id);
    const chosen = accounts.find((one) => sameAccount(one, account)) ?? accounts[0];
    if (chosen === undefined) throw new Error("The wallet offers no account.");
    if (!sameAccount(chosen, account)) {
      if (asked) location.assign(addressWith("account", chosen));
      return;
    }
    await use(name, provider);
  } catch (error) {
    warn(words(error));
  }
}

async function use(name, provider) {
  wallet = provider;
  statusLine.textContent = `Connected to ${name} as ${account}.`;
  if (continueButton) continueButton.hidden = false;
  if (reading) await read(provider);
}

/** Has the node of the wallet answer what no log says, and goes on with that. */
async function read(by) {
  await prepare(by, account, chain, addition());
  const { to, data, name } = reading.dataset;
  const answer = await by.request({ method: "eth_call", params: [{ to, data }, "latest"] });
  if (!/^0x[0-9a-f]{64}$/i.test(answer)) throw new Error("The node of the wallet does not answer what is asked of the token.");
  const address = addressWith(name, BigInt(answer).toString());
  sessionStorage.setItem("read", address.search);
  // The way back leads to the form, and not to the question.
  location.replace(address);
}

/** What a wallet is told of a chain that it does not know; nothing without a node to name. */
function addition() {
  if (!node) return undefined;
  const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
  return { chainId: chain, chainName: `Chain ${Number(chain)}`, nativeCurrency, rpcUrls: [node] };
}

async function sha256(hex) {
  const bytes = Uint8Array.from(hex.slice(2).match(/../g) ?? [], (byte) => parseInt(byte, 16));
  // Only where the browser trusts the connection.
  if (!crypto.subtle) throw new Error("Open this page by https: the browser checks nothing otherwise.");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Before the wallet is asked for anything: is the plan for this page's rescue, and does the wallet see that rescue? */
async function check(by) {
  const named = location.pathname.split("/")[2];
  if (!sameAccount(named, escrow)) throw new Error("This page is not about the rescue in its address. Load it again.");
  await prepare(by, account, chain, addition());
  const found = await by.request({ method: "eth_getCode", params: [escrow, "latest"] });
  if ((await sha256(String(found))) !== code) {
    throw new Error(`At ${escrow}, the wallet's node has other code than the rescue's. Nothing was asked of the wallet.`);
  }
}

/** Has the node of the wallet try a call: the wallet is not asked for one that would fail. */
async function rehearse(by, { to, value, data }) {
  try {
    await by.request({ method: "eth_call", params: [{ from: account, to, value, data }, "latest"] });
  } catch (error) {
    const why = words(error).replace(/\.$/, "");
    const advice = next === 0 ? "Make the plan again" : `${done()} Plan again what is left`;
    throw new Error(`Call ${next + 1} would fail now, so the wallet was not asked: ${why}. ${advice}: the rescue may have moved on.`);
  }
}

/** Which calls of the plan are done. */
function done() {
  return next === 1 ? "Call 1 is done." : `Calls 1 to ${next} are done.`;
}

/** What became of the plan when the next call of it was rejected. */
function rejection() {
  const count = steps.children.length;
  if (count === 1) return "You rejected it in the wallet. Nothing was sent.";
  const rejected = `You rejected call ${next + 1} of ${count} in the wallet`;
  if (next === 0) return `${rejected}. Nothing was sent.`;
  return `${rejected}: it was not sent. ${done()}`;
}

/** An error after which the plan cannot go on: what became of a call is for the user to find out, and it could be sent twice. */
function theEnd(text) {
  continueButton.remove();
  return new Error(text);
}

function setBusy(now) {
  busy = continueButton.disabled = now;
}

/** Carries out what is left of the plan, each call after the one before is in a block. */
async function goOn() {
  warn("");
  setBusy(true);
  const by = wallet;
  try {
    while (next < steps.children.length) await carryOut(by, steps.children[next]);
    continueButton.remove();
    warn("");
    progress.append(" All of it is done. The index will show it soon.");
  } catch (error) {
    warn(words(error));
  } finally {
    setBusy(false);
  }
}

/** Carries out the next call. If it was sent, it is only looked for: it is not sent again unless it has failed. */
async function carryOut(by, step) {
  await check(by);
  if (sent === null) await rehearse(by, step.dataset);
  await staying(async () => {
    sent ??= { hash: await send(by, step.dataset) };
    await settle(by);
  });
  step.classList.add("done");
  [next, sent] = [next + 1, null];
}

/** Has the wallet send a call, and returns the hash. */
async function send(by, { to, value, data }) {
  progress.textContent = "Confirm it in the wallet.";
  forgetPlan();
  try {
    return await by.request({ method: "eth_sendTransaction", params: [{ from: account, to, value, data, chainId: chain }] });
  } catch (error) {
    progress.textContent = "";
    if (wasRejected(error)) throw new Error(rejection());
    if (didNothing(error)) throw new Error(`The wallet did nothing: ${words(error)}`);
    throw theEnd(`The wallet may have sent call ${next + 1}: look there before you make another plan. It said: ${words(error)}`);
  }
}

/** Waits until the transaction is in a block. */
async function settle(by) {
  const { hash } = sent;
  progress.textContent = `Sent as ${hash}.`;
  const { status, blockNumber } = await receiptOf(by);
  if (Number(status) === 0) {
    sent = null;
    throw new Error(`${hash} failed in its block: nothing of it was done. Continue tries it again.`);
  }
  progress.textContent = `${hash} is in block ${Number(blockNumber)}.`;
}

/** Asks for the receipt until it is there. An error says nothing about the transaction. */
async function receiptOf(by) {
  for (let look = 0; look < LOOKS; look += 1) {
    try {
      const receipt = await lookFor(by);
      if (/^0x[01]$/.test(receipt?.status)) return receipt;
    } catch (error) {
      progress.textContent = `Sent as ${sent.hash}. Its receipt is asked for again, since the wallet said: ${words(error)}`;
    }
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  }
  throw await missing(by);
}

/** Asks for the receipt once, and for the nonce as long as it is not known. */
async function lookFor(by) {
  const receipt = await by.request({ method: "eth_getTransactionReceipt", params: [sent.hash] });
  if (!receipt) sent.nonce ??= (await transactionOf(by))?.nonce;
  return receipt;
}

function transactionOf(by) {
  return by.request({ method: "eth_getTransactionByHash", params: [sent.hash] });
}

/** What to say of a transaction that has no receipt. */
async function missing(by) {
  const { hash } = sent;
  // Whoever does not know that may look again.
  if (await wasReplaced(by).catch(() => false)) {
    return theEnd(`Another transaction took the place of ${hash}: look in the wallet what became of it before you make another plan.`);
  }
  return new Error(`${hash} is in no block yet. Continue looks for it again; nothing is sent twice.`);
}

/** Whether the account has used the nonce of the transaction, which the node of the wallet does not know any more. */
async function wasReplaced(by) {
  if (sent.nonce === undefined || !(await isOn(by, chain))) return false;
  const count = await by.request({ method: "eth_getTransactionCount", params: [account, "latest"] });
  return Number(count) > Number(sent.nonce) && !(await transactionOf(by));
}

/** Offers a wallet. */
function offer(found) {
  wallets.append(button(found, () => connect(found)));
  wallets.hidden = false;
  if (wallet !== null) return;
  statusLine.textContent = "Choose a wallet, or enter an account.";
  if (!account || found.id !== earlier) return;
  earlier = null;
  connect(found, false);
}

function none() {
  statusLine.textContent = "This browser has no wallet. Enter an account, and take the command or the batch from the plan.";
}

if (!wereJustRead() && areGiven()) location.replace(unanswered());
else discover(offer, none);
continueButton?.addEventListener("click", goOn);
