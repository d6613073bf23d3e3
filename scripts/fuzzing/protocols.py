"""Targets: what programs say to each other, each side as read by the other."""

from __future__ import annotations

import io
import json
from pathlib import Path

from ledger.core.login import Audience, Challenge
from ledger.crypto import envelopes
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.key_envelopes import read_key_envelope
from ledger.crypto.path_rules import LOGIN
from ledger.crypto.paths import find_paths
from ledger.crypto.subject_identity import identity_of
from ledger.outside import login_client
from ledger.outside.signing_service import frames, questions
from scripts.fuzzing.promises import each, require_told

NOW = 1_790_000_000
CHALLENGE = Challenge(
    "https://ledger.example",
    Audience("114401000700000148", "hall"),
    jurisdiction="CN-440100",
    level=2,
    subject="person",
    session=3600,
    issued=NOW,
    expires=NOW + 180,
    nonce=b"n" * 32,
)
DATA_KEY = b"k" * 32
ROOT = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus" / "certificate" / "root"
_MOST_PARTS = 1 << 20


def login_response(data: bytes) -> None:
    """What a server makes of the signature under a challenge, up to the recognition of its authority."""
    signature = verify_foreign(data, CHALLENGE.to_bytes())
    roots = [ROOT.read_bytes()]
    each(
        signature.certificate,
        lambda d: identity_of(d, "person"),
        lambda d: identity_of(d, "organisation"),
        lambda d: find_paths(d, signature.certificates, roots, NOW, LOGIN),
    )


def login_answer(data: bytes) -> None:
    """What a person's program makes of what a server says."""

    def opened(answer: bytes) -> None:
        found = login_client.read_session(CHALLENGE.server, answer)
        json.dumps(found.session, ensure_ascii=False).encode("utf-8", "replace")

    each(data, Challenge.from_bytes, opened)
    for status in (400, 503):
        require_told(login_client.read_refusal(CHALLENGE.server, status, data))


def signer(data: bytes) -> None:
    """What signer and ledger send each other, each read as either."""
    message = frames.read(io.BytesIO(data).read, _MOST_PARTS)
    if message.to_bytes() != data[: len(message.to_bytes())]:
        raise AssertionError("read and written differ")
    each(b"", lambda _: questions.read_question(message))
    for kind, parts in (("described", 1), ("unapproved", 1), ("signed", 2)):
        each(kind.encode(), lambda d, parts=parts: questions.read_answer(message, d.decode(), parts))  # type: ignore[misc]
    for part in message.parts:
        each(part, lambda d: questions.read_indexes(d, 1000))


def key_envelope(data: bytes) -> None:
    head, envelope = read_key_envelope(data)
    if head.to_bytes() + envelope != data:
        raise AssertionError("read and written differ")
    key = DATA_KEY[: envelopes.ENCRYPTIONS[head.algorithm].key_bytes]
    envelopes.decrypt(head.algorithm, key, envelope, head.associated("city", ""))
