"""Pledges ETH to a rescue with web3.py, and reads the position back.

    python3 examples/pledge.py RESCUE TIER WEI

LEVEE_RPC_URL names the node, and LEVEE_PRIVATE_KEY has the key of the account that pledges. The address must have been verified
before, for example by `levee verify`: this program trusts it.
"""

import json
import os
import subprocess
import sys

from web3 import Web3

ETH = 0  # the first of the assets, before stETH and wstETH


def abi(contract):
    return json.loads(subprocess.run(["levee", "abi", contract], check=True, capture_output=True).stdout)


def main(rescue, tier, wei):
    web3 = Web3(Web3.HTTPProvider(os.environ["LEVEE_RPC_URL"]))
    account = web3.eth.account.from_key(os.environ["LEVEE_PRIVATE_KEY"])
    escrow = web3.eth.contract(address=rescue, abi=abi("escrow"))

    # A pledge names the amendment that it knows, so that it cannot meet other terms than these.
    _status, _target, _deadline, (effective_at, *_) = escrow.functions.pledging().call()
    call = escrow.functions.pledgeETH(account.address, tier, effective_at)
    transaction = call.build_transaction(
        {"from": account.address, "value": wei, "nonce": web3.eth.get_transaction_count(account.address)}
    )
    signed = account.sign_transaction(transaction)
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    [pledged] = escrow.events.Pledged().process_receipt(receipt)
    amount, *_ = escrow.functions.position(account.address, tier, ETH).call()
    print(f"pledged {pledged['args']['amount']} wei; the position has {amount} wei")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
