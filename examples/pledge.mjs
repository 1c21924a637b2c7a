// Pledges ETH to a rescue with viem, and reads the position back.
//
//     node examples/pledge.mjs RESCUE TIER WEI
//
// LEVEE_RPC_URL names the node, and LEVEE_PRIVATE_KEY has the key of the account that pledges. The address must have been
// verified before, for example by `levee verify`: this program trusts it.
import { execFileSync } from "node:child_process";
import { createPublicClient, createWalletClient, getContract, http, parseEventLogs } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const ETH = 0; // the first of the assets, before stETH and wstETH

const abi = (contract) => JSON.parse(execFileSync("levee", ["abi", contract], { encoding: "utf8" }));

const [rescue, tier, wei] = process.argv.slice(2);
const transport = http(process.env.LEVEE_RPC_URL);
const account = privateKeyToAccount(process.env.LEVEE_PRIVATE_KEY);
const reader = createPublicClient({ transport });
const chain = { id: await reader.getChainId(), name: "the node's", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [process.env.LEVEE_RPC_URL] } } };
const client = { public: reader, wallet: createWalletClient({ account, chain, transport }) };
const escrow = getContract({ address: rescue, abi: abi("escrow"), client });

// A pledge names the amendment that it knows, so that it cannot meet other terms than these.
const { amendment } = await escrow.read.pledging();
const hash = await escrow.write.pledgeETH([account.address, Number(tier), amendment.effectiveAt], { value: BigInt(wei) });
const { logs } = await reader.waitForTransactionReceipt({ hash });
const [pledged] = parseEventLogs({ abi: escrow.abi, eventName: "Pledged", logs });
const [amount] = await escrow.read.position([account.address, Number(tier), ETH]);
console.log(`pledged ${pledged.args.amount} wei; the position has ${amount} wei`);
