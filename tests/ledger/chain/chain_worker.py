"""A process that sends transactions to a shared chain file and prints each acknowledgement (``ack HASH``).

Arguments: file, node key (hex), index of the sender's key, count. Real clock; ends after a final receipt.
"""

import sys
import time
from pathlib import Path

from embedded_kit import KEYS, sign, word

from ledger.chain.embedded import EmbeddedEngine


def main(path: str, node_key: str, which: str, count: str) -> None:
    engine = EmbeddedEngine.open(Path(path), node_key=bytes.fromhex(node_key), clock=time.time)
    key = KEYS[int(which)]
    contract = bytes.fromhex(engine.request("eth_getBlockReceipts", ["0x1"])[0]["contractAddress"][2:])
    address = key.public_key.to_address()
    first = int(engine.request("eth_getTransactionCount", [address, "pending"]), 16)
    digest = ""
    for nonce in range(first, first + int(count)):
        data = b"".join(map(word, (nonce, int(which), 1, 2)))
        digest = engine.request("eth_sendRawTransaction", [sign(key, engine.chain_id, nonce, contract, data)])
        sys.stdout.write(f"ack {digest}\n")
        sys.stdout.flush()
        engine.request("eth_getTransactionReceipt", [digest])
        time.sleep(0.004)
    while engine.request("eth_getTransactionReceipt", [digest]) is None:
        time.sleep(0.05)
    engine.close()


main(*sys.argv[1:])
