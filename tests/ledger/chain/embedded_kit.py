"""A tiny contract, accounts and a hand-moved clock for the tests of the embedded engine.

The contract (``runtime(n)``), by the length of its calldata:
0 bytes: revert with 0xdeadbeef · 1 byte: return the block's timestamp · 32 bytes: return storage[word 0]
· more: storage[word 0] = word 1, and one log of n topics (words 2…) with word 1 as data.
"""

from pathlib import Path

import rlp
import sha3
from eth_keys import keys

from ledger.chain.embedded import EmbeddedEngine

NODE_KEY = bytes(range(1, 33))
START = 1_700_000_000
KEYS = [keys.PrivateKey(bytes([n]) * 32) for n in range(2, 8)]


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def keccak(raw: bytes) -> bytes:
    return sha3.keccak_256(raw).digest()


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def runtime(topics: int) -> bytes:
    push = bytes([0x60])
    parts = {
        "revert": bytes.fromhex("5b63deadbeef6000526004601cfd"),
        "time": bytes.fromhex("5b4260005260206000f3"),
        "read": bytes.fromhex("5b6000355460005260206000f3"),
    }
    write = bytes.fromhex("602035600035556020356000 52".replace(" ", ""))
    for place in reversed(range(topics)):
        write += push + bytes([64 + 32 * place]) + b"\x35"
    write += bytes.fromhex("60206000") + bytes([0xA0 + topics]) + b"\x00"
    head = 3 * 6 + 1
    where, offset = {}, head + len(write)
    for name, code in parts.items():
        where[name], offset = offset, offset + len(code)
    dispatch = b"".join(
        b"\x36" + push + bytes([size]) + b"\x14" + push + bytes([where[name]]) + b"\x57"
        for name, size in (("revert", 0), ("time", 1), ("read", 32))
    )
    shift = len(dispatch) - head
    dispatch = b"".join(
        b"\x36" + push + bytes([size]) + b"\x14" + push + bytes([where[name] + shift]) + b"\x57"
        for name, size in (("revert", 0), ("time", 1), ("read", 32))
    )
    return dispatch + write + b"".join(parts.values())


def creation(code: bytes) -> bytes:
    return bytes([0x60, len(code), 0x80, 0x60, 0x0B, 0x60, 0, 0x39, 0x60, 0, 0xF3]) + code


def sign(key, chain_id: int, nonce: int, to: bytes, data: bytes, gas: int = 200_000, price: int = 0) -> str:
    def short(number: int) -> bytes:
        return number.to_bytes((number.bit_length() + 7) // 8, "big")

    fields = [short(nonce), short(price), short(gas), to, b"", data]
    tail = [short(chain_id), b"", b""] if chain_id else []
    signature = key.sign_msg_hash(keccak(rlp.encode(fields + tail)))
    v = signature.v + (35 + 2 * chain_id if chain_id else 27)
    return "0x" + rlp.encode([*fields, short(v), short(signature.r), short(signature.s)]).hex()


class Kit:
    """An engine with a clock, and shortcuts for sending."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.clock = clock or Clock()
        self.engine = EmbeddedEngine.create(path, node_key=NODE_KEY, clock=self.clock, operator="91440101MA5TEST00X")
        self.nonces: dict = {}

    def ask(self, method: str, *params):
        return self.engine.request(method, list(params))

    def raw(self, to: bytes, data: bytes, key=KEYS[0], gas: int = 200_000) -> str:
        nonce = self.nonces.get(key, 0)
        self.nonces[key] = nonce + 1
        return sign(key, self.engine.chain_id, nonce, to, data, gas)

    def send(self, to: bytes, data: bytes, key=KEYS[0], gas: int = 200_000) -> str:
        return self.ask("eth_sendRawTransaction", self.raw(to, data, key, gas))

    def receipt(self, digest: str):
        self.clock.now += 1
        return self.ask("eth_getTransactionReceipt", digest)

    def deploy(self, topics: int = 3, key=KEYS[0]) -> bytes:
        receipt = self.receipt(self.send(b"", creation(runtime(topics)), key, 1_000_000))
        assert receipt["status"] == "0x1"
        return bytes.fromhex(receipt["contractAddress"][2:])

    def put(self, contract: bytes, *words: int, key=KEYS[0]) -> str:
        return self.send(contract, b"".join(map(word, words)), key)

    def reopen(self, node_key: bytes | None = NODE_KEY) -> EmbeddedEngine:
        self.engine.close()
        self.engine = EmbeddedEngine.open(self.path, node_key=node_key, clock=self.clock)
        return self.engine
