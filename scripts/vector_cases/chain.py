"""Cases of what a chain proves and of the trust file that says which chain."""

from __future__ import annotations

from typing import Any

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.core import canonical
from ledger.core.canonical import b64
from ledger.core.manifests import BlockName, ChainIdentity
from ledger.core.registries import Kind
from ledger.core.trust import TRUST_LIMITS, Trust, TrustFile
from ledger.core.trust_lists import (
    Authority,
    CompromisedSigner,
    CouncilKey,
    DatedState,
    Policy,
    Recognition,
)
from ledger.core.trusted_chains import TrustedChain, Validator
from ledger.crypto.trust_signatures import sign_trust
from ledger.outside.software_keys import SoftwareKey
from ledger.proofs import rlp
from ledger.proofs.commit_seals import commit_seal_hash
from ledger.proofs.headers import parse_header
from ledger.proofs.keccak import keccak
from scripts.vector_cases.cases import Case
from scripts.vector_cases.values import OFFICE, OTHER

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TIME = 1_800_000_000
IDENTITY = ChainIdentity(987_654_321, bytes([9]) * 32, bytes([10]) * 20)


def node(number: int) -> PrivateKey:
    return PrivateKey(bytes([number]) * 32)


def address(number: int) -> bytes:
    return keccak(node(number).public_key.format(compressed=False)[1:])[-20:]


def _header(extra: bytes, number: int = 12) -> bytes:
    numbers = [rlp.from_int(n) for n in (1, number, 60_000_000, 21_000, TIME)]
    roots = [bytes([n]) * 32 for n in range(1, 6)]
    roots.insert(2, bytes(20))
    return rlp.encode([*roots, bytes(256), *numbers, extra, bytes(32), bytes(8)])


def embedded(sealer: int = 1, number: int = 12) -> bytes:
    blank = _header(bytes(97), number)
    digest = commit_seal_hash(parse_header(blank), "embedded")
    return _header(bytes(32) + node(sealer).sign_recoverable(digest, hasher=None), number)


def qbft(members: list[int], sealers: list[int]) -> bytes:
    def extra(seals: list[bytes]) -> bytes:
        listed: list[rlp.Item] = [*sorted(address(m) for m in members)]
        return rlp.encode([bytes(32), listed, [], b"", [*seals]])

    digest = commit_seal_hash(parse_header(_header(extra([]))), "qbft")
    return _header(extra([node(s).sign_recoverable(digest, hasher=None) for s in sealers]))


def _high_s(data: bytes) -> bytes:
    """The second seal that anyone can make from the first."""
    seal = parse_header(data).extra_data[32:]
    s = (_ORDER - int.from_bytes(seal[32:64], "big")).to_bytes(32, "big")
    return _header(bytes(32) + seal[:32] + s + bytes([seal[64] ^ 1]))


def commit_seal_cases() -> list[Case]:
    one, four = [address(1).hex()], sorted(address(n).hex() for n in (1, 2, 3, 4))
    good: dict[str, Any] = {"header": embedded().hex(), "consensus": "embedded", "validators": one}
    bft = {"header": qbft([1, 2, 3, 4], [1, 2, 4]).hex(), "consensus": "qbft", "validators": four}
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "sealed by a stranger": (good | {"header": embedded(2).hex()}, "COMMIT_SEAL_NOT_MEMBER"),
        "the second spelling of a seal": (good | {"header": _high_s(embedded()).hex()}, "COMMIT_SEAL_HIGH_S"),
        "no seal": (good | {"header": _header(bytes(32)).hex()}, "COMMIT_SEAL_EXTRA"),
        "a recovery id of 27": (good | {"header": _header(bytes(96) + b"\x1b").hex()}, "COMMIT_SEAL_RECOVERY_ID"),
        "genesis": (good | {"header": embedded(number=0).hex()}, "COMMIT_SEAL_GENESIS"),
        "no validators": (good | {"validators": []}, "COMMIT_SEAL_VALIDATORS_EMPTY"),
        "a validator twice": (good | {"validators": one * 2}, "COMMIT_SEAL_VALIDATORS_INVALID"),
        "another consensus": (good | {"consensus": "ibft"}, "COMMIT_SEAL_CONSENSUS"),
        "a byte after the header": (good | {"header": good["header"] + "00"}, "RLP_TRAILING"),
        "a header cut short": (good | {"header": good["header"][:-2]}, "RLP_TRUNCATED"),
        "fourteen fields": (good | {"header": rlp.encode([b""] * 14).hex()}, "HEADER_FIELD_COUNT"),
        "two of four seals": (bft | {"header": qbft([1, 2, 3, 4], [1, 2]).hex()}, "COMMIT_SEAL_QUORUM"),
        "one validator sealing three times": (
            bft | {"header": qbft([1, 2, 3, 4], [1, 1, 1]).hex()},
            "COMMIT_SEAL_REPEATED",
        ),
        "a set invented by the header": (
            bft | {"header": qbft([5, 6, 7, 8], [5, 6, 7]).hex()},
            "COMMIT_SEAL_SET_DIFFERS",
        ),
    }
    return [
        Case("one sealer", "header", good),
        Case("three of four seals", "header", bft),
        *(Case(name, "header", given, code) for name, (given, code) in faulty.items()),
    ]


def layout_cases() -> list[Case]:
    places = {"issuer": OFFICE, "root": "11" * 32, "leaf": "22" * 32}
    status = 2 | 1 << 8 | (TIME - 60) << 16 | TIME << 56 | 3 << 96 | 5 << 104
    batch = 7 | TIME << 64 | 1 << 104 | 1 << 120 | 65536 << 128
    entry = {"actor": OFFICE, "state": 1, "effective": TIME, "recorded": TIME + 5, "reason": 8, "statement": "33" * 32}
    return [
        Case("slots", "slots", places),
        Case("a status word", "status_word", {"word": f"{status:064x}"}),
        Case("a status never changed", "status_word", {"word": "00" * 32}),
        Case("a bit that no member uses", "status_word", {"word": f"{status | 1 << 255:064x}"}, "STORAGE_WORD_LAYOUT"),
        Case("frozen is 2", "status_word", {"word": f"{2 << 8:064x}"}, "STORAGE_WORD_LAYOUT"),
        Case("a batch word", "batch_word", {"word": f"{batch:064x}"}),
        Case("a disowned batch", "batch_word", {"word": f"{batch | 1 << 160:064x}"}),
        Case("one change", "history", {"entries": [entry]}),
        Case("two changes", "history", {"entries": [entry, entry | {"state": 0, "reason": 9, "recorded": TIME + 9}]}),
        Case("an instant of 41 bits", "history", {"entries": [entry | {"effective": 1 << 40}]}, "STORAGE_WORD_LAYOUT"),
    ]


def council(number: int) -> SoftwareKey:
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return SoftwareKey(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def council_key(number: int) -> CouncilKey:
    return CouncilKey(f"member-{number}", "Ed25519", council(number).spki)


def make_trust(**changes: Any) -> Trust:
    validator = Validator(address(1), OFFICE, 1, None)
    chain = TrustedChain(
        IDENTITY, bytes([12]) * 20, bytes([13]) * 20, bytes([14]) * 32, "embedded", (validator,),
        (BlockName(40, bytes([15]) * 32),), None,
    )  # fmt: skip
    states = DatedState("granted", TIME), DatedState("withdrawn", TIME + 9)
    made: dict[str, Any] = {
        "version": 1, "issued": TIME, "expires": TIME + 31_536_000,
        "keys": tuple(council_key(n) for n in (1, 2, 3)), "threshold": 2, "chains": (chain,),
        "authorities": (Authority("示范认证机构", b"DER", states, None),),
        "recognitions": (Recognition("CN", bytes([16]) * 32, Kind.LICENSE.word, 2, TIME, None, "founding"),),
        "policies": (Policy("CN", "single", "optional", "provisional", 1),),
        "compromised_signers": (CompromisedSigner(OTHER, bytes([17]) * 32, TIME),), "form": 1,
    }  # fmt: skip
    return Trust(**(made | changes))


def signed(content: Trust, *members: int) -> str:
    made = tuple(sign_trust(content, f"member-{n}", council(n)) for n in members)
    return TrustFile(content, made).to_bytes().decode()


def content_text(changes: dict[str, Any], content: Trust | None = None) -> str:
    return canonical.encode((content or make_trust()).to_json() | changes, TRUST_LIMITS).decode()


def trust_cases() -> list[Case]:
    value = make_trust().to_json()
    chain = value["chains"][0]
    authority = value["authorities"][0] | {"states": [{"state": "good", "since": 0}]}
    contents: dict[str, tuple[dict[str, Any], str]] = {
        "a chain without validators": ({"chains": [chain | {"validators": []}]}, "SHAPE_RANGE"),
        "no chain": ({"chains": []}, "SHAPE_RANGE"),
        "no authority": ({"authorities": []}, "SHAPE_RANGE"),
        "no recognition": ({"recognitions": []}, "SHAPE_RANGE"),
        "no policy": ({"policies": []}, "SHAPE_RANGE"),
        "no key": ({"keys": []}, "SHAPE_RANGE"),
        "threshold 0": ({"threshold": 0}, "SHAPE_RANGE"),
        "a threshold of four out of three": ({"threshold": 4}, "TRUST_THRESHOLD"),
        "one key under two ids": ({"keys": [value["keys"][0], value["keys"][0] | {"id": "second"}]}, "TRUST_THRESHOLD"),
        "keys in another order": ({"keys": value["keys"][::-1]}, "SHAPE_ORDER"),
        "it expires before it begins": ({"expires": TIME}, "TRUST_EXPIRY"),
        "an unknown consensus": ({"chains": [chain | {"consensus": "pow"}]}, "SHAPE_TEXT"),
        "an unknown state of an authority": ({"authorities": [authority]}, "SHAPE_TEXT"),
        "an address of 21 bytes": ({"chains": [chain | {"council": b64(bytes(21))}]}, "CANONICAL_LENGTH"),
    }
    return [
        Case("a content", "trust_content", {"text": content_text({})}),
        *(Case(n, "trust_content", {"text": content_text(change)}, code) for n, (change, code) in contents.items()),
        *_file_cases(),
    ]


def _file_cases() -> list[Case]:
    first, now = make_trust(), TIME + 1
    second = make_trust(version=2, expires=TIME + 63_072_000)
    moved = make_trust(version=2, keys=tuple(council_key(n) for n in (3, 4, 5)))
    old, good = signed(first, 1, 2), signed(second, 2, 3)
    forged = signed(first, 1, 2).replace('"expires":1831536000', '"expires":1831536001')
    pair = {"previous": old, "now": now}
    return [
        Case("signed by two of three", "trust_file", {"text": old, "now": now}),
        Case("its successor", "trust_file", {"text": good, **pair}),
        Case("the same file again", "trust_file", {"text": old, **pair}),
        Case("new keys, signed by both generations", "trust_file", {"text": signed(moved, 2, 3, 4), **pair}),
        Case("the same without the version before", "trust_file", {"text": signed(moved, 2, 3, 4), "now": now}),
        Case("one signature", "trust_file", {"text": signed(first, 1), "now": now}, "TRUST_NOT_ENOUGH"),
        Case(
            "voices of the generation before and one of its own",
            "trust_file",
            {"text": signed(moved, 1, 2, 3), "now": now},
            "TRUST_NOT_ENOUGH",
        ),
        Case(
            "a key of neither generation",
            "trust_file",
            {"text": signed(moved, 2, 3, 4, 9), **pair},
            "TRUST_KEY_UNKNOWN",
        ),
        Case(
            "new keys by their own word",
            "trust_file",
            {"text": signed(moved, 4, 5), **pair},
            "TRUST_NOT_ENOUGH_PREVIOUS",
        ),
        Case("an older version", "trust_file", {"text": old, "previous": good, "now": now}, "TRUST_ROLLBACK"),
        Case(
            "another version 1",
            "trust_file",
            {"text": signed(make_trust(issued=TIME - 1), 1, 2), **pair},
            "TRUST_FORKED",
        ),
        Case("expired", "trust_file", {"text": old, "now": first.expires}, "TRUST_EXPIRED"),
        Case("changed after signing", "trust_file", {"text": forged, "now": now}, "TRUST_SIGNATURE"),
        Case("a key nobody listed", "trust_file", {"text": signed(first, 1, 2, 9), "now": now}, "TRUST_KEY_UNKNOWN"),
        Case("one member twice", "trust_file", {"text": signed(first, 1, 1), "now": now}, "SHAPE_ORDER"),
        Case("no signature", "trust_file", {"text": signed(first), "now": now}, "SHAPE_RANGE"),
    ]
