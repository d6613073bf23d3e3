"""``sign --level`` and ``signature verify`` as people type them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_kit import OFFICE, Cli, zhengyin
from timestamp_kit import Server, make_tsa

from ledger.crypto import pem
from ledger.crypto.certificates import read_certificate


@dataclass(frozen=True)
class Office:
    cli: Cli
    file: Path
    server: Server
    roots: tuple[Any, ...]

    def sign(self, level: str, *more: object) -> Path:
        out = self.file.with_name(f"{level}.p7s")
        done = self.cli("--org", OFFICE, "sign", self.file, "--level", level, "--out", out, "--json", *more)
        assert (done.code, done.json["level"]) == (0, level), done.err
        return out


@pytest.fixture
def office(demo: Cli, tmp_path: Path) -> Iterator[Office]:
    authority, root = make_tsa(int(time.time()), demo.home / "authorities" / "tsa")
    server = Server(lambda request: authority.answer(request, int(time.time())))
    (tmp_path / "notice.pdf").write_bytes(b"notice")
    found = {root}
    for file in (demo.home / "authorities").rglob("*.der"):
        parts = read_certificate(file.read_bytes())
        if parts.issuer == parts.subject:
            found.add(file.read_bytes())
    (tmp_path / "roots.pem").write_text("".join(pem.write("CERTIFICATE", each) for each in found))
    yield Office(demo, tmp_path / "notice.pdf", server, ("--root", tmp_path / "roots.pem"))
    server.stop()


def codes(done: Any) -> list[str]:
    return [finding["code"] for step in done.json["steps"] for finding in step["findings"]]


def test_a_file_is_signed_for_long_and_verified_with_nothing_but_roots(office: Office, tmp_path: Path) -> None:
    made = office.sign("lt", "--authority", office.server.url)
    whole = zhengyin("signature", "verify", made, "--data", office.file, *office.roots, "--json")
    assert (whole.code, whole.json["indication"]) == (0, "TOTAL-PASSED"), whole.out
    assert whole.json["proved"]["time"] is not None
    assert "签名有效" in zhengyin("signature", "verify", made, "--data", office.file, *office.roots).out
    # the same as PEM, as OpenSSL writes it
    (tmp_path / "pem").write_text(pem.write("CMS", made.read_bytes()))
    assert zhengyin("signature", "verify", tmp_path / "pem", "--data", office.file, *office.roots).code == 0
    decades = zhengyin(
        "signature", "verify", made, "--data", office.file, *office.roots, "--at", "2046-01-02", "--json"
    )
    assert (decades.code, decades.json["proved"]["time"]) == (0, whole.json["proved"]["time"])
    office.file.write_bytes(b"Notice")
    assert zhengyin("signature", "verify", made, "--data", office.file, *office.roots).code == 1


def test_without_lists_or_anybody_to_believe_the_answer_stays_open(office: Office) -> None:
    basic, stamped = office.sign("b"), office.sign("t", "--authority", office.server.url)
    for made in (basic, stamped):
        assert zhengyin("signature", "verify", made, "--data", office.file, *office.roots).code == 3
        nobody = zhengyin("--home", office.file.parent / "none", "signature", "verify", made, "--data", office.file)
        assert nobody.code == 3
    own = office.cli("signature", "verify", basic, "--data", office.file, "--json")
    assert own.code == 3 and "CRYPTO_SIGNATURE_HOLDS" in codes(own)
    listed = office.cli("signature", "verify", basic, "--data", office.file, "--trust", office.cli.home / "trust.json")
    assert listed.code == 3
    both = office.cli("signature", "verify", basic, "--data", office.file, "--trust", "x", *office.roots, "--json")
    assert both.json["error"]["code"] == "CLI_SIGNATURE_ONE_TRUST"


def test_a_signature_takes_the_place_of_nothing(office: Office) -> None:
    """Least of all of the file that it is about."""
    for out, code in ((office.file, "CLI_FILE_EXISTS"), (office.file.parent / "none" / "x", "CLI_FOLDER_MISSING")):
        done = office.cli("--org", OFFICE, "sign", office.file, "--out", out, "--json")
        assert (done.code, done.json["error"]["code"], office.file.read_bytes()) == (2, code, b"notice")


def test_a_time_stamp_needs_an_authority(office: Office) -> None:
    done = office.cli("--org", OFFICE, "sign", office.file, "--level", "t", "--json")
    assert done.json["error"]["code"] == "TIMESTAMP_NO_AUTHORITY"
    office.server.stop()
    for level in ("t", "lt"):
        silent = office.cli("--org", OFFICE, "sign", office.file, "--level", level, "--authority", office.server.url)
        assert silent.code == 3 and not office.file.with_name("notice.pdf.p7s").exists()


def test_what_is_no_signature(office: Office, tmp_path: Path) -> None:
    for content in (b"", b"%PDF-", b"-----BEGIN CMS-----\n", b"\x30\x80"):
        (tmp_path / "x").write_bytes(content)
        assert zhengyin("signature", "verify", tmp_path / "x", "--data", office.file).code in (1, 2)
