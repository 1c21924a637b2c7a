// What pages have in common that ask a wallet of this browser (EIP-6963 and EIP-1193).

/** What a wallet says if it did nothing: rejected by the user, or not taken on at all. Any other error leaves that open. */
const NOTHING_DONE = [4001, 4100, 4200, 5000, 5001, 5002, -32601, -32602];
/** The user has rejected it. */
const REJECTED = 4001;
/** The wallet does not know the chain. */
const UNKNOWN_CHAIN = 4902;
/** How long wallets have to announce themselves, in milliseconds. */
const ANNOUNCEMENT = 500;
/** How much of a wallet's name and of its picture is taken: anything in the browser can announce itself. */
const LONGEST_NAME = 40;
const LONGEST_ICON = 200_000;

/** The words of an error, whatever a wallet throws. */
export function words(error) {
  return String(error?.message ?? error);
}

export function sameAccount(a, b) {
  return String(a).toLowerCase() === String(b).toLowerCase();
}

export function didNothing(error) {
  return NOTHING_DONE.includes(error?.code);
}

export function wasRejected(error) {
  return error?.code === REJECTED;
}

/** Some wallets wrap what another part of them has thrown. */
function isUnknownChain(error) {
  return [error?.code, error?.data?.originalError?.code].includes(UNKNOWN_CHAIN);
}

/** A name as one short line, without what could move or turn what is around it. */
function shown(name) {
  const line = [...String(name)].map((one) => (/[\p{C}\p{Z}]/u.test(one) ? " " : one)).join("").trim();
  return line.slice(0, LONGEST_NAME) || "Wallet without a name";
}

/** Calls `offer` with every wallet that announces itself, or the only one there is in browsers that know no announcements, or `none`. */
export function discover(offer, none) {
  const offered = new Set();
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    if (offered.has(detail.info.uuid)) return;
    offered.add(detail.info.uuid);
    offer({ name: shown(detail.info.name), icon: detail.info.icon, id: String(detail.info.rdns), provider: detail.provider });
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  setTimeout(() => {
    if (offered.size > 0) return;
    if (window.ethereum) offer({ name: "Wallet of this browser", id: "window.ethereum", provider: window.ethereum });
    else none();
  }, ANNOUNCEMENT);
}

/** A button for a wallet. Its picture is nothing but a picture, and comes from nowhere. */
export function button({ name, icon }, press) {
  const element = document.createElement("button");
  element.type = "button";
  if (typeof icon === "string" && icon.startsWith("data:image/") && icon.length <= LONGEST_ICON) {
    const image = document.createElement("img");
    image.alt = "";
    image.src = icon;
    element.append(image);
  }
  element.append(name);
  element.addEventListener("click", press);
  return element;
}

/** Makes sure that the wallet offers an account, and is on a chain (in hexadecimal digits), which is added by `addition` if it is not known. */
export async function prepare(wallet, account, chain, addition) {
  const accounts = await wallet.request({ method: "eth_requestAccounts" });
  if (!accounts.some((one) => sameAccount(one, account))) {
    throw new Error(`The wallet offers ${accounts[0]}. Choose ${account} in it, and continue.`);
  }
  if (await isOn(wallet, chain)) return;
  try {
    await switchTo(wallet, chain, addition);
  } catch (error) {
    throw new Error(`The wallet does not switch to chain ${Number(chain)}: ${words(error)}`);
  }
  if (!(await isOn(wallet, chain))) throw new Error(`Switch the wallet to chain ${Number(chain)}, and continue.`);
}

async function switchTo(wallet, chain, addition) {
  const change = () => wallet.request({ method: "wallet_switchEthereumChain", params: [{ chainId: chain }] });
  try {
    await change();
  } catch (error) {
    if (!isUnknownChain(error) || addition === undefined) throw error;
    await wallet.request({ method: "wallet_addEthereumChain", params: [addition] });
    // Not every wallet also switches to what it has added.
    if (!(await isOn(wallet, chain))) await change();
  }
}

export async function isOn(wallet, chain) {
  return Number(await wallet.request({ method: "eth_chainId" })) === Number(chain);
}

/** Does something during which the browser asks before the page is left: the answer of the wallet would be lost with it. */
export async function staying(work) {
  const stay = (event) => event.preventDefault();
  addEventListener("beforeunload", stay);
  try {
    return await work();
  } finally {
    removeEventListener("beforeunload", stay);
  }
}
