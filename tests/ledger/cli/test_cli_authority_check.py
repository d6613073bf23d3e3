"""``ca check``: material of ten authorities, whole and broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Run, zhengyin
from pki_kit import CAS, DAY, NOW, Kit, tampered

from ledger.crypto import der, pem

DATA = "示范文书".encode()


def hand_over(folder: Path, kit: Kit, ca: str) -> None:
    """All that an authority gives its engineers: chain, sample certificate, lists, response, time-stamp, signature."""
    leaf = kit.leaf(ca)
    chain = [kit.root(ca), *kit.intermediates(ca)]
    (folder / "chain.pem").write_text("".join(pem.write("CERTIFICATE", c) for c in chain))
    (folder / "office.crt").write_bytes(leaf.certificate)
    for role in ("ocsp", "tsa"):
        (folder / f"{role}.cer").write_bytes(kit.pki.certificate(ca, role))
    for number, crl in enumerate(kit.validation(leaf).crls):
        (folder / f"list{number}.crl").write_bytes(crl)
    (folder / "office.ors").write_bytes(kit.ocsp(leaf))
    (folder / "letter.txt").write_bytes(DATA)
    (folder / "letter.txt.p7s").write_bytes(leaf.signer.sign_detached(DATA, NOW))
    (folder / "letter.tst").write_bytes(kit.token(ca, DATA))


def check(folder: Path, *options: object, at: int = NOW) -> Run:
    return zhengyin("ca", "check", folder, "--at", at, "--json", *options)


def unmet(done: Run, *severities: str) -> set[tuple[str, str]]:
    wanted = severities or ("misfit", "missing")
    return {(f["about"], f["code"]) for f in done.json["findings"] if f["severity"] in wanted}


@pytest.fixture
def material(tmp_path: Path, pki: Kit) -> Path:
    hand_over(tmp_path, pki, "ca-h")
    return tmp_path


@pytest.mark.parametrize("ca", CAS)
def test_what_each_authority_hands_over_fits(tmp_path: Path, pki: Kit, ca: str) -> None:
    hand_over(tmp_path, pki, ca)
    done = check(tmp_path)
    assert (unmet(done), done.code) == (set(), 0)
    assert {f["code"] for f in done.json["findings"]} >= {"CA_PATH", "CA_REVOCATION", "CA_CMS_FORM", "CA_OCSP_SPEAKS"}


def test_words_for_engineers(material: Path) -> None:
    shown = zhengyin("ca", "check", material, "--at", NOW, "--lang", "en")
    assert shown.code == 0 and shown.out.startswith("✓") and "office.crt" in shown.out
    assert len(shown.out.splitlines()) < 60, "one page"
    detailed = zhengyin("ca", "check", material, "--at", NOW, "--detailed").out
    assert len(detailed.splitlines()) > len(shown.out.splitlines())
    (material / "office.crt").write_bytes(b"nothing")
    broken = zhengyin("ca", "check", material, "--at", NOW, "--lang", "en")
    assert broken.code == 1 and broken.out.startswith("✗") and "[CA_FILE_READ: CERTIFICATES_SYNTAX]" in broken.out


BROKEN = {
    "a certificate's signature": ("office.crt", lambda d: tampered(d), "CA_PATH", 1),
    "a list's signature": ("list0.crl", lambda d: tampered(d), "CA_CRL_SIGNED", 1),
    "a list cut short": ("list0.crl", lambda d: d[:-3], "CA_CRL_READ", 1),
    "a response's signature": ("office.ors", lambda d: d[:-40] + bytes([d[-40] ^ 1]) + d[-39:], "CA_OCSP_SIGNED", 1),
    "a response cut short": ("office.ors", lambda d: d[:-3], "CA_OCSP_READ", 1),
    "a token's signature": ("letter.tst", lambda d: tampered(d), "CA_TOKEN", 1),
    "a signature's last bit": ("letter.txt.p7s", lambda d: tampered(d), "CA_CMS", 1),
    "what was signed": ("letter.txt", lambda d: d + b".", "CA_CMS", 1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(material: Path, what: str) -> None:
    name, change, code, expected = BROKEN[what]
    (material / name).write_bytes(change((material / name).read_bytes()))
    done = check(material)
    assert done.code == expected
    assert code in {found for _, found in unmet(done)}


MISSING = {
    "root": (["chain.pem"], "CA_HAS_ROOT"),
    "lists and responses": (["list0.crl", "list1.crl", "office.ors"], "CA_HAS_LISTS"),
    "one list": (["list0.crl"], "CA_REVOCATION"),
    "what was signed": (["letter.txt"], "CA_CMS_DATA"),
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_not_called_wrong(material: Path, what: str) -> None:
    names, code = MISSING[what]
    for name in names:
        (material / name).unlink()
    done = check(material)
    assert done.code == 3 and not unmet(done, "misfit")
    assert code in {found for _, found in unmet(done, "missing")}


def test_a_certificate_that_was_handed_over_alone(tmp_path: Path, pki: Kit) -> None:
    (tmp_path / "office.crt").write_bytes(pki.leaf("ca-h").certificate)
    done = check(tmp_path)
    assert done.code == 3
    assert {code for _, code in unmet(done)} == {"CA_HAS_ROOT", "CA_HAS_LISTS"}


def test_a_folder_that_holds_nothing(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.code, done.json["error"]["code"]) == (2, "CA_CHECK_EMPTY")
    (tmp_path / "readme.txt").write_text("hello")
    assert check(tmp_path).code == 2


def test_what_was_not_looked_at_is_said(material: Path) -> None:
    for name in ("request.csr", "office.p12"):
        (material / name).write_bytes(b"\x30\x00")
    (material / "empty.p7s").touch()
    done = check(material)
    assert unmet(done, "remark") >= {("request.csr", "CA_FILE_KNOWN"), ("office.p12", "CA_FILE_KNOWN")}
    assert ("letter.txt", "CA_FILE_KNOWN") not in unmet(done, "remark"), "a sample is about it"
    (empty,) = [f for f in done.json["findings"] if f["about"] == "empty.p7s"]
    assert (done.code, empty["code"], empty["cause"]["code"]) == (1, "CA_FILE_READ", "CA_FILE_EMPTY")


def test_a_private_key_among_the_material_is_a_misfit(material: Path) -> None:
    (material / "office.pem").write_text(pem.write("PRIVATE KEY", b"\x30\x00"))
    (material / "office.key").write_text(pem.write("ENCRYPTED PRIVATE KEY", b"\x30\x00"))
    done = check(material)
    assert done.code == 1
    assert {about for about, code in unmet(done) if code == "CA_NO_KEY"} == {"office.pem", "office.key"}


def test_a_folder_with_too_much(tmp_path: Path) -> None:
    for number in range(257):
        (tmp_path / f"{number}.txt").touch()
    assert check(tmp_path).json["error"]["code"] == "CA_CHECK_MANY"


def test_an_expired_list_is_a_remark_and_leaves_revocation_open(material: Path) -> None:
    done = check(material, at=NOW + 30 * DAY)
    assert ("list0.crl", "CA_CRL_CURRENT") in unmet(done, "remark")
    assert done.code == 3 and "CA_REVOCATION" in {code for _, code in unmet(done, "missing")}


def test_a_time_stamp_response_is_as_good_as_its_token(material: Path) -> None:
    token = (material / "letter.tst").read_bytes()
    granted = der.write(der.SEQUENCE, der.write(der.INTEGER, b"\0"))
    (material / "letter.tst").unlink()
    (material / "letter.tsr").write_bytes(der.write(der.SEQUENCE, granted, token))
    assert check(material).code == 0


def test_a_revoked_sample_is_no_fault_of_its_authority(tmp_path: Path, pki: Kit) -> None:
    hand_over(tmp_path, pki, "ca-h")
    (tmp_path / "stolen.crt").write_bytes(pki.leaf("ca-h", "stolen").certificate)
    (tmp_path / "list0.crl").write_bytes(pki.crl("ca-h"))
    done = check(tmp_path)
    assert ("stolen.crt", "CA_REVOCATION") in unmet(done, "remark")


def test_a_name_of_a_file_writes_no_verdict(material: Path) -> None:
    (material / "x\n✓ fits.crt").write_bytes(b"nothing")
    shown = zhengyin("ca", "check", material, "--at", NOW).out
    assert "\n✓ fits" not in shown
