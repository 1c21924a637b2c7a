// Passes requests of the `levee` command to a wallet of this browser (EIP-6963 and EIP-1193), and its answers back.
import { button, didNothing, discover, prepare, sameAccount, staying, words } from "./wallet.js";

const [statusLine, wallets, request, title, facts, continueButton, declineButton, message] =
  ["status", "wallets", "request", "title", "facts", "continue", "decline", "message"]
    .map((id) => document.getElementById(id));

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

function offer({ name, icon, provider }) {
  wallets.append(button({ name, icon }, () => connect(name, provider)));
  // One that announces itself late takes no request of the wallet that was chosen.
  wallets.hidden = wallet !== null;
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
        await prepare(wallet, asked.account, asked.chain);
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

async function ask({ method, params }) {
  try {
    return { result: await staying(() => wallet.request({ method, params })) };
  } catch (error) {
    return didNothing(error) ? { declined: words(error) } : { unknown: words(error) };
  }
}

open().then(() => {
  say(expected === null ? "Choose a wallet." : `Choose the wallet that has the account ${expected}.`);
  discover(offer, () => {
    warn("This browser has no wallet. Open the address in one that has, or unlock the wallet and reload this page.");
  });
}).catch((error) => {
  say("This page is not connected to the command.");
  warn(words(error));
});
