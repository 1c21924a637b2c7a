import { createConfig } from "ponder";
import { parseAbi } from "viem";

const abi = parseAbi(["event Pledged(address indexed pledger, uint8 tier, uint8 asset, uint104 amount)"]);

export default createConfig({
  chains: { anvil: { id: 31337, rpc: process.env.RPC_URL, pollingInterval: 1000 } },
  contracts: { Escrow: { chain: "anvil", abi, address: process.env.ESCROW as `0x${string}`, startBlock: 0 } },
});
