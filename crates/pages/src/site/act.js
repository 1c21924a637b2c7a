// Has a wallet of this browser send the calls of a plan that the server has made. The page is whole without it, but for the wallet.
import { button, didNothing, discover, prepare, sameAccount, staying, wasRejected, words } from "./wallet.js";

/** How often to ask for a receipt, and how often at most. */
const PAUSE = 1_000;
const LOOKS = 600;

const [wallets, statusLine, message, progress, continueButton, steps, reading, checks] =
  ["wallets", "status", "message", "progress", "continue", "steps", "reading", "checks"].map((id) => document.getElementById(id));
const { chain, escrow, code, account, node } = checks.dataset;
/** The wallet that was chosen. */
let wallet = null;
/** Which call is next. */
let next = 0;

function warn(text) {
  message.textContent = text;
  message.hidden = text === "";
}

/** Goes to the same page with other parameters. */
function go(changes) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) address.searchParams.set(name, value);
  location.assign(address);
}

/** The account of the page becomes that of the wallet, unless nobody has asked for that now. */
async function connect({ name, id, provider }, asked = true) {
  warn("");
  try {
    const accounts = await provider.request({ method: "eth_requestAccounts" });
    sessionStorage.setItem("wallet", id);
    const chosen = accounts.find((one) => sameAccount(one, account)) ?? accounts[0];
    if (chosen === undefined) throw new Error("The wallet offers no account.");
    if (!sameAccount(chosen, account)) {
      if (asked) go({ account: chosen });
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
  if (reading) await read();
}

/** Has the node of the wallet answer what no log says, and goes on with that. */
async function read() {
  await prepare(wallet, account, chain, addition());
  const { to, data, name, unit } = reading.dataset;
  const answer = await wallet.request({ method: "eth_call", params: [{ to, data }, "latest"] });
  if (!/^0x[0-9a-f]{64}$/i.test(answer)) throw new Error("The node of the wallet does not answer what is asked of the token.");
  go({ [name]: BigInt(answer).toString(), ...(unit && { unit }) });
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
async function check() {
  const named = location.pathname.split("/")[2];
  if (!sameAccount(named, escrow)) throw new Error("This page is not about the rescue in its address. Load it again.");
  await prepare(wallet, account, chain, addition());
  const found = await wallet.request({ method: "eth_getCode", params: [escrow, "latest"] });
  if ((await sha256(String(found))) !== code) {
    throw new Error(`At ${escrow}, the wallet's node has other code than the rescue's. Nothing was asked of the wallet.`);
  }
}

/** Sends the calls that are left, each after the one before is in a block. */
async function goOn() {
  warn("");
  continueButton.disabled = true;
  try {
    for (; next < steps.children.length; next += 1) {
      const step = steps.children[next];
      await check();
      await staying(() => send(step.dataset));
      step.classList.add("done");
    }
    continueButton.hidden = true;
    progress.append(" All of it is done. The index will show it soon.");
  } catch (error) {
    warn(words(error));
  } finally {
    continueButton.disabled = false;
  }
}

/** Sends a call, and waits until it is in a block. */
async function send({ to, value, data }) {
  progress.textContent = "Confirm it in the wallet.";
  let hash;
  try {
    hash = await wallet.request({ method: "eth_sendTransaction", params: [{ from: account, to, value, data, chainId: chain }] });
  } catch (error) {
    progress.textContent = "";
    if (wasRejected(error)) throw new Error("You rejected it in the wallet. Nothing was sent.");
    if (didNothing(error)) throw new Error(`The wallet did nothing: ${words(error)}`);
    throw new Error(`The wallet may have sent it: look there before you try again. It said: ${words(error)}`);
  }
  progress.textContent = `Sent as ${hash}.`;
  const receipt = await receiptOf(hash);
  if (Number(receipt.status) !== 1) throw new Error(`${hash} failed in its block: nothing of it was done.`);
  progress.textContent = `${hash} is in block ${Number(receipt.blockNumber)}.`;
}

async function receiptOf(hash) {
  for (let look = 0; look < LOOKS; look += 1) {
    const receipt = await wallet.request({ method: "eth_getTransactionReceipt", params: [hash] });
    if (receipt) return receipt;
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  }
  throw new Error(`${hash} is in no block yet: look in the wallet before you go on.`);
}

function none() {
  statusLine.textContent = "This browser has no wallet. Enter an account, and take the command or the batch from the plan.";
}

discover((found) => {
  wallets.append(button(found, () => connect(found)));
  wallets.hidden = false;
  statusLine.textContent = "Choose a wallet, or enter an account.";
  // Chosen before the page was made for its account.
  if (account && found.id === sessionStorage.getItem("wallet")) connect(found, false);
}, none);
continueButton?.addEventListener("click", goOn);
