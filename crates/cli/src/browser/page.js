// Passes requests of the `levee` command to a wallet of this browser (EIP-6963 and EIP-1193), and its answers back.
"use strict";

const [statusLine, wallets, request, title, facts, continueButton, declineButton, message] =
  ["status", "wallets", "request", "title", "facts", "continue", "decline", "message"]
    .map((id) => document.getElementById(id));

/** What a wallet says if it did nothing: rejected by the user, or not taken on at all. Any other error leaves that open. */
const NOTHING_DONE = [4001, 4100, 4200, 5000, 5001, 5002, -32601, -32602];
/** How long wallets have to announce themselves, in milliseconds. */
const ANNOUNCEMENT = 500;

/** Identifies this page to the command. It survives a reload, but no other page gets it. */
let session = sessionStorage.getItem("session");
/** The account that must sign; null if any may. */
let expected = null;
/** The wallet that was chosen. */
let wallet = null;

function say(text) {
  statusLine.textContent = text;
}

function warn(text) {
  message.textContent = text;
  message.hidden = text === "";
}

/** The words of an error, whatever a wallet throws. */
function words(error) {
  return String(error?.message ?? error);
}

function sameAccount(a, b) {
  return String(a).toLowerCase() === String(b).toLowerCase();
}

async function post(path, body, key = session) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const answer = await fetch(`/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

/** Becomes the command's page by the token in the address, which is valid once and is removed from the address. */
async function open() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (token !== "") {
    session = (await post("open", {}, token)).session;
    sessionStorage.setItem("session", session);
  }
  if (session === null) throw new Error("Open the whole address that the command has printed.");
  expected = (await post("hello", {})).account;
}

/** Offers every wallet that announces itself, or the only one there is in browsers that know no announcements. */
function discover() {
  const offered = new Set();
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    if (offered.has(detail.info.uuid)) return;
    offered.add(detail.info.uuid);
    offer(detail.info.name, detail.provider);
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  setTimeout(() => {
    if (offered.size > 0) return;
    if (window.ethereum) offer("Wallet of this browser", window.ethereum);
    else warn("This browser has no wallet. Open the address in one that has, or unlock the wallet and reload this page.");
  }, ANNOUNCEMENT);
}

function offer(name, provider) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", () => connect(name, provider));
  wallets.append(button);
  wallets.hidden = false;
}

async function connect(name, provider) {
  warn("");
  try {
    const accounts = await provider.request({ method: "eth_requestAccounts" });
    const account = accounts.find((one) => sameAccount(one, expected)) ?? accounts[0];
    await post("account", { account });
    wallet = provider;
    wallets.hidden = true;
    say(`Connected to ${name} as ${account}. Waiting for the command…`);
  } catch (error) {
    warn(words(error));
    return;
  }
  await serve();
}

/** Takes requests until the command has ended. */
async function serve() {
  try {
    for (;;) {
      const next = await post("next", {});
      if (next.request !== null) await handle(next.request);
    }
  } catch {
    request.hidden = true;
    say("The command has ended: see the terminal. You can close this page.");
  }
}

async function handle(asked) {
  // The answer of the wallet went to the page before the reload.
  if (asked.begun) {
    await post("answer", { id: asked.id, unknown: "the page was reloaded while the wallet was asked" });
    return;
  }
  show(asked);
  const answer = await choice(asked);
  request.hidden = true;
  warn("");
  say("Waiting for the command…");
  await tell(asked, answer);
}

/** Tells the command what the wallet has answered, or the user, if the command is gone: only the wallet knows it otherwise. */
async function tell({ id, method }, answer) {
  try {
    await post("answer", { id, ...answer });
  } catch (error) {
    if (method === "eth_sendTransaction" && answer.result !== undefined) {
      warn(`The command was gone when the wallet sent ${answer.result}. Run it again, or name that with "levee journal resume".`);
    }
    throw error;
  }
}

function show(asked) {
  title.textContent = asked.title;
  facts.replaceChildren(...asked.facts.flatMap(([name, value]) => {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  }));
  request.hidden = false;
  say("The command asks for a signature.");
}

/** Waits until the user declines, or the wallet has answered. What is wrong before the wallet is asked can be mended here. */
function choice(asked) {
  return new Promise((resolve, reject) => {
    declineButton.onclick = () => resolve({ declined: "it was declined in the page" });
    continueButton.onclick = async () => {
      continueButton.disabled = declineButton.disabled = true;
      warn("");
      try {
        await prepare(asked);
        await post("begin", { id: asked.id }).catch((error) => { reject(error); throw error; });
        say("Confirm the request in the wallet.");
        resolve(await ask(asked));
      } catch (error) {
        warn(words(error));
      } finally {
        continueButton.disabled = declineButton.disabled = false;
      }
    };
  });
}

/** Makes sure that the wallet signs with the right account, for the right chain. */
async function prepare(asked) {
  const accounts = await wallet.request({ method: "eth_requestAccounts" });
  if (!accounts.some((one) => sameAccount(one, asked.account))) {
    throw new Error(`The wallet offers ${accounts[0]}. Choose ${asked.account} in it, and continue.`);
  }
  if (await isOn(asked.chain)) return;
  try {
    await wallet.request({ method: "wallet_switchEthereumChain", params: [{ chainId: asked.chain }] });
  } catch (error) {
    throw new Error(`The wallet does not switch to chain ${Number(asked.chain)}: ${words(error)}`);
  }
  if (!(await isOn(asked.chain))) throw new Error(`Switch the wallet to chain ${Number(asked.chain)}, and continue.`);
}

async function isOn(chain) {
  return Number(await wallet.request({ method: "eth_chainId" })) === Number(chain);
}

async function ask({ method, params }) {
  addEventListener("beforeunload", stay);
  try {
    return { result: await wallet.request({ method, params }) };
  } catch (error) {
    return NOTHING_DONE.includes(error?.code) ? { declined: words(error) } : { unknown: words(error) };
  } finally {
    removeEventListener("beforeunload", stay);
  }
}

/** Has the browser ask before the page is left: the answer of the wallet would be lost with it. */
function stay(event) {
  event.preventDefault();
}

open().then(() => {
  say(expected === null ? "Choose a wallet." : `Choose the wallet that has the account ${expected}.`);
  discover();
}).catch((error) => {
  say("This page is not connected to the command.");
  warn(words(error));
});
