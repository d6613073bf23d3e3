"""CAdES-B-B, B-T and B-LT over files by offices of the ten authorities; read here, by OpenSSL and by pyHanko."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pki_kit import CAS, DAY, NOW, YEAR, Kit

from ledger.core.bundles import ValidationData
from ledger.crypto import der, pem
from ledger.crypto.cms import assemble, signed_attributes, verify_detached
from ledger.crypto.foreign_cms import verify_foreign
from ledger.crypto.signed_data import read_signed_data, revocation_choices
from ledger.errors import ConfigError, InputError
from ledger.outside.fetching import Fetcher
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.file_signatures import FileSignature, sign_detached
from ledger.outside.revocation_cache import RevocationCache
from ledger.outside.revocation_client import RevocationClient
from ledger.outside.timestamp_client import TimestampClient
from ledger.services.crypto_reports import CryptoReport, Judge, trust_under

CONTENT = "公告".encode()
LEVELS = ("b", "t", "lt")
OTHERS = [ca for ca in CAS if ca not in ("ca-a", "ca-b", "ca-c", "ca-d")]
"""What other software verifies: all but SM2."""
Made = dict[tuple[str, str], FileSignature]


def collector(pki: Kit, ca: str, folder: Path) -> Callable[..., ValidationData]:
    client = RevocationClient(
        lambda: FileRevocation(folder / "none"), Fetcher(), RevocationCache(folder), lambda: [pki.root(ca)]
    )
    return lambda certificates, known: client.collect(certificates, NOW, known=known)


@pytest.fixture(scope="module")
def made(pki: Kit, tmp_path_factory: pytest.TempPathFactory) -> Made:
    found: Made = {}
    leaves = {ca: pki.leaf(ca) for ca in CAS}
    with pki.serving() as served:
        for ca, leaf in leaves.items():
            authority = TimestampClient([served.url(ca, "tsa/tsa")], lambda: NOW)
            collect = collector(pki, ca, tmp_path_factory.mktemp(ca))
            found[ca, "b"] = sign_detached(leaf.signer, CONTENT, NOW)
            found[ca, "t"] = sign_detached(leaf.signer, CONTENT, NOW, authority)
            found[ca, "lt"] = sign_detached(leaf.signer, CONTENT, NOW, authority, collect)
    return found


def report(pki: Kit, ca: str, cms: bytes, at: int, content: bytes = CONTENT, *beside: bytes) -> CryptoReport:
    judge = Judge(trust_under([pki.root(ca)], at), (), at)
    brought = ValidationData((), tuple(beside), ())
    return judge.signature(lambda more: verify_foreign(cms, content, more), brought)


def codes(found: CryptoReport) -> set[str]:
    return {finding.code for part in found.parts for finding in part.findings}


@pytest.mark.parametrize("ca", CAS)
def test_a_file_signed_for_long_proves_itself_when_the_certificates_have_expired(pki: Kit, made: Made, ca: str) -> None:
    for at in (NOW + DAY, NOW + 5 * YEAR):
        judged = report(pki, ca, made[ca, "lt"].cms, at)
        assert (judged.exit_code, judged.proved["time"]) == (0, NOW), judged.text("en")
    bare = report(pki, ca, made[ca, "b"].cms, NOW + 5 * YEAR)
    assert bare.exit_code == 3 and "{" not in bare.text("zh") + bare.text("en")
    assert report(pki, ca, made[ca, "lt"].cms, NOW + DAY, CONTENT + b".").exit_code == 1


@pytest.mark.parametrize("ca", CAS)
def test_what_is_enclosed_is_read_as_it_was_put_in(made: Made, ca: str) -> None:
    basic, stamped, long = (verify_foreign(made[ca, level].cms, CONTENT) for level in LEVELS)
    assert (basic.token, basic.crls, basic.ocsps, basic.certificates) == (None, (), (), ())
    assert stamped.token is not None and not (stamped.crls or stamped.ocsps)
    assert long.token is not None and long.ocsps and long.certificates
    assert [made[ca, level].time for level in LEVELS] == [None, NOW, NOW]


def test_what_a_batch_takes_stays_as_strict_as_it_was(made: Made) -> None:
    for level in ("b", "t"):
        assert verify_detached(made["ca-h", level].cms, CONTENT).certificate
    with pytest.raises(InputError, match="CMS_CERTIFICATES"):
        verify_detached(made["ca-h", "lt"].cms, CONTENT)


def test_a_revocation_list_of_another_authority_alone_leaves_it_open(pki: Kit, made: Made) -> None:
    judged = report(pki, "ca-h", made["ca-h", "t"].cms, NOW + 60, CONTENT, pki.crl("ca-i"))
    assert judged.exit_code == 3


def test_long_term_needs_an_authority_for_time(pki: Kit) -> None:
    with pytest.raises(ConfigError, match="TIMESTAMP_NO_AUTHORITY"):
        sign_detached(pki.leaf("ca-h").signer, CONTENT, NOW, None, lambda *_: ValidationData((), (), ()))


def test_lists_beyond_the_limit_are_refused_before_anything_is_written(pki: Kit) -> None:
    huge = ValidationData((), (der.write(der.SEQUENCE, bytes(1 << 20)),), ())
    leaf = pki.leaf("ca-h")
    authority: Any = type("Authority", (), {"stamp": lambda _, data, digest: pki.token("ca-h", data)})()
    with pytest.raises(InputError, match="CMS_LONG_TERM_SIZE"):
        sign_detached(leaf.signer, CONTENT, NOW, authority, lambda *_: huge)


@pytest.mark.parametrize(
    "choice",
    [
        der.write(0xA1, der.write_oid("1.3.6.1.5.5.7.16.4"), der.write(der.SEQUENCE)),
        der.write(0xA1, der.write_oid("1.3.6.1.5.5.7.16.2")),
        der.write(0xA1, der.write_oid("1.3.6.1.5.5.7.16.2"), der.write(der.SEQUENCE), der.write(der.SEQUENCE)),
        der.write(0xA2, der.write_oid("1.3.6.1.5.5.7.16.2"), der.write(der.SEQUENCE)),
    ],
)
def test_other_revocation_information_is_not_guessed_at(pki: Kit, choice: bytes) -> None:
    leaf = pki.leaf("ca-h")
    attributes = signed_attributes(CONTENT, leaf.certificate, NOW)
    value = leaf.key.sign(attributes)
    with pytest.raises(InputError, match="CMS_SYNTAX"):
        verify_foreign(assemble(leaf.certificate, attributes, value, None, (), [choice]), CONTENT)


def test_lists_alone_need_no_newer_version(pki: Kit) -> None:
    """RFC 5652 section 5.1: version 5 for revocation information of other kinds, else 1."""
    leaf = pki.leaf("ca-h")
    attributes = signed_attributes(CONTENT, leaf.certificate, NOW)
    for crls, ocsps, version in (((pki.crl("ca-h"),), (), 1), ((pki.crl("ca-h"),), (pki.ocsp(leaf),), 5)):
        choices = revocation_choices(crls, ocsps)
        cms = assemble(leaf.certificate, attributes, leaf.key.sign(attributes), None, (), choices)
        read = read_signed_data(cms)
        assert (read.crls, read.ocsps) == (crls, ocsps)
        outer = der.read(cms, der.SEQUENCE).children()[1]
        assert der.read(outer.content, der.SEQUENCE).children()[0].content == bytes([version])


# OpenSSL 3.0 takes no Ed25519 in CMS
@pytest.mark.parametrize("ca", [ca for ca in OTHERS if ca != "ca-j"])
def test_openssl_accepts_all_levels(pki: Kit, made: Made, ca: str, tmp_path: Path) -> None:
    chain = [pem.write("CERTIFICATE", each) for each in (pki.root(ca), *pki.intermediates(ca))]
    (tmp_path / "root").write_text(chain[0])
    (tmp_path / "chain").write_text("".join(chain))
    (tmp_path / "content").write_bytes(CONTENT)
    for level in LEVELS:
        (tmp_path / level).write_bytes(made[ca, level].cms)
        done = subprocess.run(
            ["openssl", "cms", "-verify", "-inform", "DER", "-in", level, "-content", "content", "-binary",
             "-CAfile", "root" if level == "lt" else "chain", "-attime", str(NOW), "-purpose", "any", "-out", "out"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out").read_bytes() == CONTENT


@pytest.mark.parametrize("ca", OTHERS)
def test_pyhanko_accepts_all_levels(pki: Kit, made: Made, ca: str) -> None:
    from asn1crypto import cms, crl, ocsp, x509
    from pyhanko.sign.validation import async_validate_detached_cms
    from pyhanko_certvalidator import ValidationContext

    for level in LEVELS:
        read = verify_foreign(made[ca, level].cms, CONTENT)
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(pki.root(ca))],
            # of LT only what it encloses, which pyHanko takes for the signer's path alone unless told
            other_certs=[x509.Certificate.load(each) for each in read.certificates or pki.intermediates(ca)],
            crls=[crl.CertificateList.load(each) for each in read.crls],
            ocsps=[ocsp.OCSPResponse.load(each) for each in read.ocsps],
            moment=datetime.fromtimestamp(NOW + 60, UTC),
            revocation_mode="hard-fail" if level == "lt" else "soft-fail",
        )
        signed = cms.ContentInfo.load(made[ca, level].cms)["content"]
        status = asyncio.run(
            async_validate_detached_cms(
                BytesIO(CONTENT), signed, signer_validation_context=context, ts_validation_context=context
            )
        )
        assert status.intact and status.valid and status.trusted, (level, status.pretty_print_details())
        stamped = status.timestamp_validity
        assert (stamped is None) == (level == "b")
        assert stamped is None or (stamped.intact and stamped.trusted)
