"""Cases of values: canonical bytes, base64url, the tree, identifiers, organisations."""

from __future__ import annotations

import hashlib
from typing import Any

from ledger.core import merkle
from ledger.core.identifiers import make_license_identifier
from scripts.vector_cases.cases import Case

_ORGANISATION, _CODE = (3, 7, 9, 10, 5, 8, 4, 2), "0123456789ABCDEFGHJKLMNPQRTUWXY"


def with_checks(body: str) -> str:
    """A credit code from the 16 characters before its two check characters (GB 11714, GB 32100)."""
    total = sum(w * int(c, 36) for w, c in zip(_ORGANISATION, body[8:16], strict=True))
    body += "0123456789X"[-total % 11]
    return body + _CODE[-sum(pow(3, at, 31) * _CODE.index(c) for at, c in enumerate(body)) % 31]


OFFICE, OTHER, DEFINER = (with_checks(b) for b in ("1144999900000001", "1144999900000002", "1110000000000027"))
LICENSE = make_license_identifier(DEFINER + "001", OFFICE, "20270001")


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def canonical_cases() -> list[Case]:
    valid = {
        "keys are sorted": {"b": 1, "a": {"d": None, "c": [True, False]}},
        "chinese is written as it is": {"name": "张𠮷ः"},
        "never normalised": {"composed": "é", "apart": "é", "width": "Ａ"},
        "only the needed escapes": {"quoted": 'a"b\\c/d'},
        "largest integer": {"most": 2**53 - 1, "least": 0},
        "longest key": {"a" * 32: 1},
        "nothing in it": {},
    }
    faulty = {
        "a float": ('{"a":1.0}', "CANONICAL_TYPE"),
        "an exponent": ('{"a":1e2}', "CANONICAL_TYPE"),
        "two to the 53": ('{"a":9007199254740992}', "CANONICAL_INTEGER"),
        "a negative number": ('{"a":-1}', "CANONICAL_INTEGER"),
        "minus zero": ('{"a":-0}', "CANONICAL_FORM"),
        "a key twice": ('{"a":1,"a":1}', "CANONICAL_FORM"),
        "a blank": ('{"a": 1}', "CANONICAL_FORM"),
        "a line end after it": ('{"a":1}\n', "CANONICAL_FORM"),
        "unsorted keys": ('{"b":1,"a":1}', "CANONICAL_FORM"),
        "a needless escape": ('{"a":"\\u0041"}', "CANONICAL_FORM"),
        "an escaped slash": ('{"a":"\\/"}', "CANONICAL_FORM"),
        "an upper-case key": ('{"A":1}', "CANONICAL_KEY"),
        "a key of 33 characters": ('{"' + "a" * 33 + '":1}', "CANONICAL_KEY"),
        "a key with an underline": ('{"a_b":1}', "CANONICAL_KEY"),
        "an escaped control character": ('{"a":"\\n"}', "CANONICAL_CHARACTER"),
        "right-to-left override": ('{"a":"\u202e"}', "CANONICAL_CHARACTER"),
        "private use": ('{"a":"\ue000"}', "CANONICAL_CHARACTER"),
        "a non-character": ('{"a":"\ufffe"}', "CANONICAL_CHARACTER"),
        "seven levels": (_nested(7), "CANONICAL_DEPTH"),
        "too many bytes": ('{"a":"' + "b" * 65536 + '"}', "CANONICAL_SIZE"),
        "no JSON": ("{a:1}", "CANONICAL_SYNTAX"),
        "nothing": ("", "CANONICAL_SYNTAX"),
    }
    bytes_ = {"a byte order mark": "efbbbf7b7d", "no UTF-8": "7b2261223a22ff227d", "a lone surrogate": "22eda08022"}
    return [
        *(Case(name, "canonical_encode", {"value": value}) for name, value in valid.items()),
        Case("six levels", "canonical_decode", {"text": _nested(6)}),
        Case("twelve levels in a bundle", "canonical_decode", {"text": _nested(12), "limits": "bundle"}),
        *(Case(name, "canonical_decode", {"text": text}, code) for name, (text, code) in faulty.items()),
        *(Case(name, "canonical_decode", {"hex": data}, "CANONICAL_SYNTAX") for name, data in bytes_.items()),
    ]


def base64_cases() -> list[Case]:
    return [
        Case("no padding", "base64_decode", {"text": "_-8"}),
        Case("no bytes", "base64_decode", {"text": ""}),
        Case("a digest", "base64_decode", {"text": "A" * 43, "length": 32}),
        Case("padding", "base64_decode", {"text": "_-8="}, "CANONICAL_BASE64"),
        Case("the other alphabet", "base64_decode", {"text": "/+8"}, "CANONICAL_BASE64"),
        Case("spare bits that are not zero", "base64_decode", {"text": "_-9"}, "CANONICAL_BASE64"),
        Case("a blank inside", "base64_decode", {"text": "_- 8"}, "CANONICAL_BASE64"),
        Case("one character too many", "base64_decode", {"text": "AAAAA"}, "CANONICAL_BASE64"),
        Case("31 bytes for a digest", "base64_decode", {"text": "A" * 42, "length": 32}, "CANONICAL_LENGTH"),
    ]


def merkle_cases() -> list[Case]:
    items = [bytes([number]).hex() for number in range(8)]
    levels = merkle.build_levels(b"".join(merkle.leaf_hash(bytes.fromhex(i)) for i in items[:5]))
    leaf = levels[0][64:96].hex()
    path = [node.hex() for node in merkle.inclusion_path(levels, 2)]
    given: dict[str, Any] = {"leaf": leaf, "index": 2, "size": 5, "path": path}
    last = {"leaf": levels[0][128:].hex(), "index": 4, "size": 5, "path": [levels[2][:32].hex()]}
    zero = hashlib.sha256(b"").hexdigest()
    faulty: dict[str, tuple[dict[str, Any], str]] = {
        "size 0": ({"size": 0}, "MERKLE_EMPTY"),
        "the index is the size": ({"index": 5}, "MERKLE_INDEX"),
        "an index beyond the size": ({"index": 7}, "MERKLE_INDEX"),
        "a negative index": ({"index": -1}, "MERKLE_INDEX"),
        "a path that is longer": ({"path": [*path, zero]}, "MERKLE_PATH_LENGTH"),
        "a path that is shorter": ({"path": path[:-1]}, "MERKLE_PATH_LENGTH"),
        "no path": ({"path": []}, "MERKLE_PATH_LENGTH"),
        "a path for a single leaf": ({"index": 0, "size": 1}, "MERKLE_PATH_LENGTH"),
        "a node of 31 bytes": ({"path": [path[0][:62], *path[1:]]}, "MERKLE_HASH"),
        "a leaf of 33 bytes": ({"leaf": leaf + "00"}, "MERKLE_HASH"),
    }
    return [
        *(Case(f"a tree of {n}", "merkle_tree", {"items": items[:n]}) for n in (1, 2, 3, 5, 8)),
        Case("a tree of nothing", "merkle_tree", {"items": []}, "MERKLE_EMPTY"),
        Case("a path", "merkle_path", given),
        Case("the last leaf has a short path", "merkle_path", last),
        Case("a single leaf is the root", "merkle_path", {"leaf": leaf, "index": 0, "size": 1, "path": []}),
        Case("another index gives another root", "merkle_path", given | {"index": 3}),
        *(Case(name, "merkle_path", given | change, code) for name, (change, code) in faulty.items()),
    ]


def identifier_cases() -> list[Case]:
    wrong = LICENSE[:-1] + ("0" if LICENSE[-1] != "0" else "1")
    strict = {
        "a wrong check character": (wrong, "IDENTIFIER_CHECK"),
        "version 000": (LICENSE[:-6] + ".000." + LICENSE[-1], "IDENTIFIER_VERSION"),
        "another root": (LICENSE.replace("1.2.156.3005.2", "1.2.156.3005.3"), "IDENTIFIER_FORM"),
        "lower case": (LICENSE.lower(), "IDENTIFIER_FORM"),
        "an issuer without a credit code": (LICENSE.replace(OFFICE, OFFICE[:-1] + "?"), "IDENTIFIER_FORM"),
        "a wrong issuer": (LICENSE.replace(OFFICE, OFFICE[:-1] + "0"), "IDENTIFIER_ISSUER_CODE"),
    }
    made: dict[str, Any] = {"type_code": DEFINER + "001", "issuer_code": OFFICE, "serial": "20270001", "version": 1}
    return [
        Case("a license", "license_identifier", {"text": LICENSE, "strict": True}),
        Case("another system's check character", "license_identifier", {"text": wrong, "strict": False}),
        *(Case(n, "license_identifier", {"text": t, "strict": True}, code) for n, (t, code) in strict.items()),
        Case("made from its parts", "make_license", made),
        Case("a renewal", "make_license", made | {"version": 2}),
        Case("a serial with a dot", "make_license", made | {"serial": "1.2"}, "IDENTIFIER_SERIAL"),
        Case("version 1000", "make_license", made | {"version": 1000}, "IDENTIFIER_VERSION"),
        Case("a URN", "urn", {"random": bytes(range(16)).hex()}),
        Case("a URN of 15 bytes", "urn", {"random": bytes(15).hex()}, "URN_RANDOM"),
        Case(
            "spare bits in a URN", "record_id", {"text": "urn:zhengyin:" + "a" * 25 + "b", "strict": True}, "RECORD_ID"
        ),
    ]


def organisation_cases() -> list[Case]:
    padded = OFFICE.encode().ljust(32, b"\0").hex()
    return [
        Case("a credit code", "credit_code", {"text": OFFICE}),
        Case("a letter no credit code has", "credit_code", {"text": OFFICE[:8] + "I" + OFFICE[9:]}, "USCC_FORM"),
        Case("a wrong check character", "credit_code", {"text": OFFICE[:-1] + "0"}, "USCC_CHECK"),
        Case("on chain", "organisation", {"text": OFFICE}),
        Case("of another country", "organisation", {"text": "DE:HRB-123456"}),
        Case("a mainland organisation under two names", "organisation", {"text": "CN:1"}, "ORGANISATION_ID"),
        Case("more than 32 bytes", "organisation", {"text": "DE:" + "1" * 30}, "ORGANISATION_ID"),
        Case("from the chain", "organisation_word", {"bytes32": padded}),
        Case("not left-aligned", "organisation_word", {"bytes32": "00" + padded[:-2]}, "ORGANISATION_BYTES"),
        Case("no organisation", "organisation_word", {"bytes32": "00" * 32}, "ORGANISATION_BYTES"),
        # the specimen number printed in GB 11643
        Case("a citizen number", "citizen_number", {"text": "11010519491231002X"}),
        Case("a wrong last digit", "citizen_number", {"text": "110105194912310021"}, "CITIZEN_NUMBER_CHECK"),
        Case("30 February", "citizen_number", {"text": "110105194902300020"}, "CITIZEN_NUMBER_DATE"),
        Case("15 digits", "citizen_number", {"text": "110105491231002"}, "CITIZEN_NUMBER_FORM"),
    ]
