"""``ca path``: the path of a certificate, revocation judged, with the exit codes of ``verify``; ten authorities."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_kit import Run, zhengyin
from pki_kit import CAS, DAY, NOW, Kit, Leaf

from ledger.crypto import der, pem
from ledger.crypto.certificate_facts import facts_of

SIGNED_DATA = der.write_oid("1.2.840.113549.1.7.2")


@dataclass(frozen=True)
class Desk:
    folder: Path
    kit: Kit

    def file(self, name: str, data: bytes | str) -> Path:
        (self.folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return self.folder / name

    def options(self, leaf: Leaf, *, by_ocsp: bool = False, at: int = NOW) -> list[object]:
        data = self.kit.validation(leaf, at, by_ocsp)
        given: list[object] = ["--root", self.file("root.crt", self.kit.root(leaf.ca))]
        for number, crl in enumerate(data.crls):
            given += ["--crl", self.file(f"{number}.crl", crl)]
        for number, ocsp in enumerate(data.ocsps):
            given += ["--ocsp", self.file(f"{number}.ors", ocsp)]
        return given

    def path(self, leaf: Leaf, *options: object, at: int = NOW, between: bool = True) -> Run:
        own = self.file("leaf.crt", leaf.certificate)
        chain = self.kit.intermediates(leaf.ca, leaf.issuer) if between else ()
        files = [self.file(f"between-{n}.crt", c) for n, c in enumerate(chain)]
        return zhengyin("ca", "path", own, *files, "--at", at, "--lang", "en", *options)


@pytest.fixture
def desk(tmp_path: Path, pki: Kit) -> Desk:
    return Desk(tmp_path, pki)


@pytest.mark.parametrize("ca", CAS)
def test_a_path_of_each_authority(desk: Desk, ca: str) -> None:
    leaf = desk.kit.leaf(ca)
    done = desk.path(leaf, *desk.options(leaf), "--json")
    assert (done.code, done.json["outcome"]) == (0, "passed")
    assert done.json["path"][0]["sha256"] == leaf.sha256.hex()
    assert done.json["path"][0]["key"] != "?"
    assert len(done.json["path"]) == 2 + len(desk.kit.intermediates(ca))
    assert done.json["revocation"]["outcome"] == "good" and done.json["unused"] == []


def test_a_response_may_stand_for_a_list(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    assert desk.path(leaf, *desk.options(leaf, by_ocsp=True)).code == 0


@pytest.mark.parametrize(
    ("scenario", "at", "code", "reason"),
    [
        ("expired", NOW, 1, "PATH_EXPIRED"),
        ("expired", NOW - 2 * DAY, 0, None),
        ("future", NOW, 1, "PATH_NOT_YET_VALID"),
        ("purpose", NOW, 1, "PATH_KEY_USAGE"),
        ("weak", NOW, 1, "PATH_ALGORITHM"),
    ],
)
def test_why_there_is_none(desk: Desk, scenario: str, at: int, code: int, reason: str | None) -> None:
    leaf = desk.kit.leaf("ca-h", scenario)
    done = desk.path(leaf, *desk.options(leaf, at=at), "--json", at=at)
    assert done.code == code
    assert (done.json["fault"] or {}).get("code") == reason
    assert [(c["fault"] or {}).get("code") for c in done.json["candidates"]] == [reason]


def test_a_revoked_certificate(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h", "stolen")
    done = desk.path(leaf, *desk.options(leaf), "--json")
    assert (done.code, done.json["revocation"]["code"]) == (1, "REVOCATION_REVOKED")
    assert done.json["path"] is not None, "the chain itself stands"
    assert desk.path(leaf, *desk.options(leaf)).out.startswith("✗")


def test_what_is_missing_leaves_the_answer_open(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    root = ["--root", desk.file("root.crt", desk.kit.root("ca-h"))]
    done = desk.path(leaf, *root, "--json")
    assert (done.code, done.json["revocation"]["code"]) == (3, "REVOCATION_MISSING")
    done = desk.path(leaf, *root, "--json", between=False)
    assert (done.code, done.json["fault"]["code"], done.json["candidates"]) == (3, "PATH_NONE", [])
    (wanted,) = done.json["wanted"]
    assert wanted == facts_of(leaf.certificate).issuer and wanted in desk.path(leaf, *root, between=False).out


def test_a_root_that_is_not_accepted_is_the_end_of_its_chain(desk: Desk) -> None:
    """Handed in among the others it is no authority: what is wanted is somebody's word for it."""
    leaf, given = desk.kit.leaf("ca-h"), ["--root", desk.file("root.crt", desk.kit.root("ca-j"))]
    done = desk.path(leaf, desk.file("own.crt", desk.kit.root("ca-h")), *given, "--json")
    assert (done.code, done.json["wanted"]) == (3, [facts_of(desk.kit.root("ca-h")).subject])


def test_a_list_that_somebody_else_signed(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    forged = bytearray(desk.kit.crl("ca-h"))
    forged[-1] ^= 1
    options = [*desk.options(leaf), "--crl", desk.file("forged.crl", bytes(forged))]
    done = desk.path(leaf, *options, "--json")
    assert (done.code, done.json["fault"]["code"]) == (1, "REVOCATION_CRL_SIGNATURE")


def test_words_for_people(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    shown = desk.path(leaf, *desk.options(leaf)).out
    assert shown.startswith("✓") and "ecdsa-p256" in shown and leaf.sha256.hex() in shown
    shown = desk.path(desk.kit.leaf("ca-h", "expired"), *desk.options(leaf)).out
    assert "other chains" in shown and " ← " in shown


# ---- files as people hand them over


def test_several_certificates_in_one_file_and_bundles(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    chain = [leaf.certificate, *desk.kit.intermediates("ca-h")]
    text = "subject: office\n" + "".join(pem.write("CERTIFICATE", c) for c in reversed(chain))
    options = desk.options(leaf)
    assert zhengyin("ca", "path", desk.file("all.pem", text), "--at", NOW, *options).code == 0
    bundle = der.write(
        der.SEQUENCE,
        SIGNED_DATA,
        der.write(
            0xA0,
            der.write(
                der.SEQUENCE,
                der.write(der.INTEGER, b"\x01"),
                der.write(der.SET),
                der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.7.1")),
                der.write(0xA0, *chain),
                der.write(der.SET),
            ),
        ),
    )
    for name, data in (("all.p7b", bundle), ("all.p7b.pem", pem.write("PKCS7", bundle))):
        assert zhengyin("ca", "path", desk.file(name, data), "--at", NOW, *options).code == 0
    crl = pem.write("X509 CRL", desk.kit.crl("ca-h"))
    assert (
        zhengyin("ca", "path", desk.file("c.p7b", bundle), "--at", NOW, *options, "--crl", desk.file("c.pem", crl)).code
        == 0
    )


def test_a_bundle_that_openssl_made(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    chain = [leaf.certificate, *desk.kit.intermediates("ca-h")]
    source = desk.file("chain.pem", "".join(pem.write("CERTIFICATE", c) for c in chain))
    made = desk.folder / "chain.p7b"
    subprocess.run(["openssl", "crl2pkcs7", "-nocrl", "-certfile", source, "-outform", "DER", "-out", made], check=True)
    assert zhengyin("ca", "path", made, "--at", NOW, *desk.options(leaf)).code == 0
    done = desk.path(leaf, *desk.options(leaf), "--root", made, between=False)
    assert done.code == 1, "a leaf that is listed as an authority is refused"


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_files_that_hold_nothing(desk: Desk, data: bytes) -> None:
    done = zhengyin(
        "ca", "path", desk.file("x", data), "--root", desk.file("root.crt", desk.kit.root("ca-h")), "--json"
    )
    assert (done.code, done.json["error"]["code"]) == (2, "CERTIFICATES_SYNTAX")
    leaf = desk.kit.leaf("ca-h")
    done = desk.path(leaf, *desk.options(leaf), "--crl", desk.file("x.crl", data), "--json")
    assert done.code == 2 and done.json["error"]["values"]["file"].endswith("x.crl"), "of many files, which"
    assert f"{desk.folder / 'x.crl'}: " in done.err
    done = desk.path(leaf, *desk.options(leaf), "--ocsp", desk.file("x.ors", data), "--json")
    assert done.code == 2


def test_wrong_usage(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-h")
    assert desk.path(leaf, "--json").json["error"]["code"] == "CA_NO_ROOT"
    assert desk.path(leaf, "--purpose", "baking", "--json").json["error"]["code"] == "CA_PURPOSE"
    missing = zhengyin("ca", "path", desk.folder / "none.crt", "--root", desk.folder / "none.crt", "--json")
    assert (missing.code, missing.json["error"]["code"]) == (2, "CLI_FILE_MISSING")


def test_a_cross_certified_authority_is_found_from_either_root(desk: Desk) -> None:
    if "ca-b" not in CAS:
        pytest.skip("without SM2")
    leaf = desk.kit.leaf("ca-b")
    cross = desk.file("cross.crt", desk.kit.cross_certificate)
    own = desk.file("leaf.crt", leaf.certificate)
    between = [desk.file(f"b{n}.crt", c) for n, c in enumerate(desk.kit.intermediates("ca-b"))]
    lists = [x for n, issuer in enumerate((("ca-b", "issuing"), ("ca-b", "root"), ("ca-a", "root")))
             for x in ("--crl", desk.file(f"l{n}.crl", desk.kit.crl(*issuer)))]  # fmt: skip
    for roots, length in ((("ca-b",), 3), (("ca-a",), 4), (("ca-a", "ca-b"), 3)):
        given = [x for r in roots for x in ("--root", desk.file(f"{r}.crt", desk.kit.root(r)))]
        done = zhengyin("ca", "path", own, *between, cross, *given, *lists, "--at", NOW, "--json")
        assert (done.code, len(done.json["path"])) == (0, length)


def test_an_intermediate_that_was_revoked(desk: Desk) -> None:
    leaf = desk.kit.leaf("ca-g", issuer="second")
    done = desk.path(leaf, *desk.options(leaf), "--json")
    assert (done.code, done.json["revocation"]["values"]["position"]) == (1, 1)
