"""Making seals and seal signatures: nothing leaves that a verifier would refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ses_kit import DAY, DOCUMENT, NOW, PATH, PNG, early_seal, new_seal, party, require_sm2, seal

from ledger.crypto.ses.judging import Judges
from ledger.crypto.ses.making import make_seal, make_signature
from ledger.crypto.ses.parsing import parse_seal, parse_signature
from ledger.crypto.ses.values import Picture, Version
from ledger.errors import InputError

V1, V4, V5 = Version.V1, Version.V4, Version.V5


@pytest.fixture(scope="module", autouse=True)
def _sm2() -> None:
    require_sm2()


def made(version: Version = V4, maker: Any = None, sign: Any = None, judges: Any = None, **changes: Any) -> str:
    """The code with which it is refused."""
    maker = maker or party("maker")
    with pytest.raises(InputError) as caught:
        make_seal(new_seal(version, **changes), maker.certificate, sign or maker.sign, judges=judges)
    return caught.value.code


def stamped(signer: Any = None, sign: Any = None, **changes: Any) -> str:
    signer = signer or party("signer")
    given = {"seal": seal(), "digest": DOCUMENT, "property_info": PATH, "signed_at": NOW - DAY} | changes
    with pytest.raises(InputError) as caught:
        make_signature(**given, signer=signer.certificate, sign=sign or signer.sign)
    return caught.value.code


def refuse(*_: object) -> None:
    raise InputError("PATH_NONE")


@pytest.mark.parametrize("by_digest", [False, True])
@pytest.mark.parametrize("version", [V4, V5])
def test_what_is_made_reads_as_what_was_asked_for(version: Version, by_digest: bool) -> None:
    asked = new_seal(version, by_digest=by_digest)
    found = parse_seal(seal(version, by_digest=by_digest))
    info = found.info
    assert (found.version, info.vendor, info.seal_id, info.kind, info.name) == (
        version, asked.vendor, asked.seal_id, asked.kind, asked.name
    )  # fmt: skip
    assert (info.created, info.valid_from, info.valid_until) == (asked.created, asked.valid_from, asked.valid_until)
    assert (info.picture, info.certificates) == (asked.picture, () if by_digest else asked.signers)


def test_seals_of_2014_are_read_and_never_made() -> None:
    assert made(V1) == "SES_VERSION"
    assert stamped(seal=early_seal()) == "SES_VERSION"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("SES_SIGNERS", {"signers": ()}),
        ("SES_TEXT", {"name": ""}),
        ("SES_TEXT", {"name": "章\ud800"}),
        ("SES_TEXT", {"seal_id": "章"}),
        ("SES_DATES", {"valid_until": NOW - 10 * DAY}),
        ("SES_SEAL_NOT_YET", {"valid_from": NOW}),
        ("SES_PICTURE_TYPE", {"picture": Picture("SVG", b"<svg/>", 40, 40)}),
        ("SES_PICTURE_SIZE", {"picture": Picture("PNG", PNG, 0, 40)}),
        ("SES_TIME", {"created": 1 << 60}),
        ("DER_SHAPE", {"kind": -1}),
    ],
)
def test_a_seal_that_no_verifier_would_read_is_not_made(code: str, changes: dict[str, Any]) -> None:
    assert made(**changes) == code


def test_a_seal_is_made_by_a_maker_who_may() -> None:
    assert made(sign=party("thief").sign) == "SES_SEAL_SIGNATURE"
    assert made(maker=party("maker", usage=b"\x30")) == "SES_MAKER_USAGE"
    assert made(maker=party("maker", until=NOW - 10 * DAY)) == "SES_MAKER_PERIOD"
    assert made(V5, judges=Judges(maker=refuse)) == "PATH_NONE"  # GM/T 0031-2025: validated before it is made


def test_a_signature_is_made_by_a_signer_whom_the_seal_names() -> None:
    assert stamped(party("thief")) == "SES_SIGNER_NOT_LISTED"
    assert stamped(party("signer", until=NOW + 401 * DAY)) == "SES_SIGNER_NOT_LISTED"  # renewed: the seal is made anew
    assert stamped(sign=party("thief").sign) == "SES_SIGNATURE"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("SES_SEAL_EXPIRED", {"signed_at": NOW + 91 * DAY}),
        ("SES_SEAL_NOT_YET", {"signed_at": NOW - 10 * DAY}),
        ("SES_DIGEST", {"digest": b"short"}),
        ("SES_TEXT", {"property_info": "/文件"}),
        ("SES_SYNTAX", {"seal": b"0\0"}),
    ],
)
def test_a_signature_that_no_verifier_would_accept_is_not_made(code: str, changes: dict[str, Any]) -> None:
    assert stamped(**changes) == code


def test_tokens_are_over_the_signature_and_only_where_the_version_has_them() -> None:
    maker, signer, over = party("maker"), party("signer"), []

    def stamp(data: bytes) -> bytes:
        over.append(data)
        return b"token"

    judges = Judges(token=lambda *_: NOW)
    data = make_seal(new_seal(V5), maker.certificate, maker.sign, stamp, judges)
    assert (parse_seal(data).token, parse_seal(data).signature) == (b"token", over[0])
    with pytest.raises(InputError, match="SES_VERSION"):
        make_seal(new_seal(V4), maker.certificate, maker.sign, stamp, judges)
    for version in (V4, V5):
        made = make_signature(seal(version), DOCUMENT, PATH, NOW - DAY, signer.certificate, signer.sign, stamp, judges)
        assert (parse_signature(made).token, parse_signature(made).signature) == (b"token", over[-1])


def test_another_program_reads_the_same_structure(tmp_path: Path) -> None:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "seal.esl").write_bytes(seal(V5))
    done = subprocess.run(
        [tool, "asn1parse", "-inform", "DER", "-in", str(tmp_path / "seal.esl")], capture_output=True, check=True
    )
    assert done.stdout.count(b"GENERALIZEDTIME") == 3
