"""``seal verify``: one command for seals and seal signatures, offline, with the exit codes of ``verify``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ofd_kit as ofd
import pytest
from cli_kit import Run, zhengyin
from ses_kit import DAY, NOW, PATH, authority, party, require_sm2, revocations, seal, signature, vector

from ledger.crypto import pem
from ledger.crypto.digests import sm3
from ledger.crypto.ses.making import make_signature


@dataclass(frozen=True)
class Desk:
    folder: Path

    def file(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def verify(self, data: bytes, *options: object, at: int = NOW) -> Run:
        return zhengyin("seal", "verify", self.file("given", data), "--at", at, "--json", *options)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    require_sm2()
    return Desk(tmp_path)


@pytest.fixture
def roots(desk: Desk) -> tuple[object, ...]:
    return ("--root", desk.file("ca.crt", authority()), "--crl", desk.file("ca.crl", revocations()))


def test_a_seal_under_a_recognised_root_passes(desk: Desk, roots: tuple[object, ...]) -> None:
    done = desk.verify(seal(), *roots)
    assert (done.code, done.json["indication"], done.json["about"]) == (0, "TOTAL-PASSED", "seal")
    assert done.json["proved"]["name"] == "示范专用章"


def test_every_root_in_a_file_counts(desk: Desk, roots: tuple[object, ...]) -> None:
    both = [pem.write("CERTIFICATE", each) for each in (party("other").certificate, authority())]
    done = desk.verify(seal(), "--root", desk.file("both.pem", "".join(both).encode()), *roots[2:])
    assert (done.code, done.json["indication"]) == (0, "TOTAL-PASSED")


def test_without_a_root_the_path_is_not_judged_and_nothing_is_valid(desk: Desk) -> None:
    done = desk.verify(seal())
    assert (done.code, done.json["cause"]["code"]) == (3, "SES_MAKER_NOT_JUDGED")
    words = zhengyin("seal", "verify", desk.file("given", seal()), "--at", NOW, "--lang", "en")
    assert words.code == 3
    assert "? 5 path and revocation" in words.out


def test_without_a_list_revocation_is_undetermined(desk: Desk) -> None:
    done = desk.verify(seal(), "--root", desk.file("ca.crt", authority()))
    assert (done.code, done.json["cause"]["code"]) == (3, "REVOCATION_MISSING")


def test_a_trust_file_says_who_makes_seals(desk: Desk, demo_home: Path) -> None:
    trust = ("--trust", demo_home / "trust.json")
    done = desk.verify(seal(), *trust, "--jurisdiction", "CN-440100")
    assert (done.code, done.json["cause"]["code"]) == (3, "SEALS_NO_AUTHORITY")
    assert "信任文件" in done.err
    root = ("--root", desk.file("ca.crt", authority()))
    assert desk.verify(seal(), *trust, *root).json["error"]["code"] == "CLI_SEAL_TRUST_OR_ROOT"
    assert desk.verify(seal(), "--jurisdiction", "CN").json["error"]["code"] == "CLI_SEAL_JURISDICTION"
    assert desk.verify(seal(), "--fetch").json["error"]["code"] == "CLI_SEAL_NO_ROOT"
    file = desk.file("given", seal())
    asked = zhengyin("--home", demo_home, "--json", "seal", "verify", file, *root, "--fetch", "--at", NOW)
    assert asked.json["cause"]["code"] == "REVOCATION_MISSING", "nobody answers for that authority"


def test_a_maker_revoked_before_is_failed(desk: Desk) -> None:
    crl = desk.file("ca.crl", revocations(NOW - DAY))
    done = desk.verify(seal(), "--root", desk.file("ca.crt", authority()), "--crl", crl)
    assert (done.code, done.json["cause"]["code"]) == (1, "REVOCATION_REVOKED")


def test_a_maker_under_no_recognised_root_is_failed(desk: Desk, roots: tuple[object, ...]) -> None:
    done = desk.verify(seal(), "--root", desk.file("other.crt", party("other").certificate))
    assert (done.code, done.json["cause"]["code"]) == (1, "PATH_NONE")


def test_a_seal_signature_is_told_from_a_seal_and_held_against_its_document(
    desk: Desk, roots: tuple[object, ...]
) -> None:
    signer = party("signer")
    document = desk.file("Signature.xml", b"<a/>")
    data = make_signature(seal(), sm3(b"<a/>"), PATH, NOW - DAY, signer.certificate, signer.sign)
    done = desk.verify(data, "--document", document, "--path", PATH, *roots)
    assert (done.code, done.json["about"], len(done.json["steps"])) == (0, "signature", 20)
    assert desk.verify(data, *roots).json["cause"]["code"] == "SES_DOCUMENT_NOT_GIVEN"
    assert desk.verify(data, "--document", desk.file("x", b"x"), *roots).json["cause"]["code"] == "SES_DOCUMENT"
    beside = ("--document", document, "--seal", desk.file("Seal.esl", b"0"))
    assert desk.verify(data, *beside, *roots).json["cause"]["code"] == "SES_SEAL_DIFFERS"


def test_a_sealed_ofd_is_verified_seal_by_seal(desk: Desk, roots: tuple[object, ...]) -> None:
    done = desk.verify(ofd.license(), *roots)
    assert (done.code, done.json["about"], done.json["seals"][0]["about"]) == (0, "ofd", "ofdSeal")
    assert done.json["proved"]["licenses"][0]["identifier"] == ofd.IDENTIFIER
    assert desk.verify(ofd.license()).json["cause"]["code"] == "SES_MAKER_NOT_JUDGED"
    added = ofd.packed(ofd.honest() | {"Doc_0/Pages/Page_1/Content.xml": b"<a/>"})
    assert (desk.verify(added, *roots).code, desk.verify(added, *roots).json["cause"]["code"]) == (1, "OFD_NOT_COVERED")
    assert desk.verify(ofd.license(), "--path", PATH).code == 2
    words = zhengyin("seal", "verify", desk.file("given", added), "--at", NOW, "--lang", "zh")
    assert "1 个文件没有任何印章保护，可能是盖章后添加的：Doc_0/Pages/Page_1/Content.xml [OFD_NOT_COVERED]" in words.out
    assert "—— Seal s001" in words.out


def test_what_is_no_seal_is_failed_and_what_is_no_file_is_refused(desk: Desk, roots: tuple[object, ...]) -> None:
    assert desk.verify(b"0no seal", *roots).json["cause"]["code"] == "SES_SYNTAX"
    assert desk.verify(b"0" + bytes(5 << 20), *roots).json["cause"]["code"] == "SES_SIZE"
    for none in (b"no seal", b"%PDF-1.7", b""):  # nothing is proved against what bears no seal
        done = desk.verify(none, *roots)
        assert (done.code, done.json["error"]["code"]) == (3, "CLI_SEAL_NONE")
    assert zhengyin("seal", "verify", desk.folder / "missing").code == 2
    assert desk.verify(seal(), "--document", desk.file("x", b"x")).code == 2
    assert desk.verify(seal(), "--crl", desk.file("x", b"x")).code == 2
    assert desk.verify(signature(), "--at", "yesterday").code == 2


@pytest.mark.parametrize("name", ["UserV1.esl", "UserV4.esl"])
def test_a_seal_made_elsewhere_is_undetermined_until_its_authority_is_named(desk: Desk, name: str) -> None:
    assert desk.verify(vector(name), at=1_600_000_000).code == 3
    assert desk.verify(vector(name)).code == 1  # over since 2022
