"""Cases of what is derived beside a record: the code printed with its number, and the tombstone of its leaf."""

from __future__ import annotations

from ledger.core.disclosures import make_claims
from ledger.core.keys import RecordKey
from ledger.core.records import Record, Reference
from ledger.core.registries import Kind, Relation
from ledger.core.tombstones import TYPE, ErasureReason, tombstone_id
from ledger.core.verification_code import print_code
from scripts.vector_cases.cases import Case
from scripts.vector_cases.records import SECRET, make_record, text_of
from scripts.vector_cases.values import LICENSE, OFFICE


def code_cases() -> list[Case]:
    printed = print_code(RecordKey(SECRET))
    wide = "".join(chr(ord(c) + 0xFEE0) for c in printed)
    typed = {
        "as printed": printed,
        "lower case without hyphens": printed.lower().replace("-", ""),
        "blanks for hyphens": f" {printed.replace('-', ' ')} ",
        "full-width": wide.replace(chr(0xFF0D), chr(0x3000)),
        "letters that look like digits": "Oo0O-Il1i-LLll-0000",
    }
    faulty = {
        "one character less": (printed[:-1], "CODE_LENGTH"),
        "one character more": (printed + "0", "CODE_LENGTH"),
        "nothing": ("", "CODE_LENGTH"),
        "a letter that is not used": (printed[:-1] + "U", "CODE_CHARACTER"),
        "a sign": (printed[:-1] + "*", "CODE_CHARACTER"),
        "a digit of another script": (printed[:-1] + chr(0x0661), "CODE_CHARACTER"),
        "a letter whose capital is another": (printed[:-1] + chr(0x0131), "CODE_CHARACTER"),
    }
    return [
        Case("a license's code", "code_printed", {"key": SECRET.hex(), "id": LICENSE}),
        Case("a URN's code", "code_printed", {"key": "ff" * 32, "id": "urn:zhengyin:" + "a" * 26}),
        *(Case(name, "code_typed", {"text": text}) for name, text in typed.items()),
        *(Case(name, "code_typed", {"text": text}, code) for name, (text, code) in faulty.items()),
        Case("a key of 33 bytes", "code_printed", {"key": SECRET.hex() + "00", "id": LICENSE}, "KEY_LENGTH"),
    ]


def tombstone_cases() -> list[Case]:
    leaf = make_record().leaf()
    return [
        Case("of a record", "tombstone", {"leaf": leaf.hex()}),
        Case("the record of one", "record", {"text": text_of(_tombstone(leaf).to_json())}),
        Case(
            "one that calls itself erased", "record",
            {"text": text_of(_tombstone(leaf).to_json(), kind="erased")}, "REGISTRY_UNKNOWN",
        ),
    ]  # fmt: skip


def _tombstone(leaf: bytes) -> Record:
    values = {"reason": ErasureReason.CONSENT_WITHDRAWN.word, "decision": None}
    key = RecordKey(SECRET[::-1])
    return make_record(
        kind=Kind.TOMBSTONE, id=tombstone_id(leaf), type=TYPE, valid_from=None, valid_until=None, files=(),
        claims=make_claims(key, values), refs=(Reference(Relation.ERASES, OFFICE, leaf),), salt=key.salts(values)[0],
    )  # fmt: skip
