"""Revocation data from authorities over HTTP: the ten of the test PKI, and servers that fail or lie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ocsp_kit as kit
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from cryptography.x509.oid import AuthorityInformationAccessOID
from pki_kit import CAS, DAY, NOW, Kit
from revocation_servers import Authority, certificate, key, serving, uri

from ledger.core.bundles import ValidationData
from ledger.crypto.paths import build_path
from ledger.crypto.revocation import judge
from ledger.errors import ConfigError, UnavailableError, ZhengyinError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.fetching import Fetcher, FetchLimits
from ledger.outside.file_revocation import FileRevocation
from ledger.outside.revocation_cache import RevocationCache
from ledger.outside.revocation_client import REST, UNCHANGED, RevocationClient

HOUR = 3600


class Counting(Fetcher):
    """Counts what really goes out."""

    def __init__(self, *hosts: str, **limits: Any) -> None:
        super().__init__(hosts, FetchLimits(**limits))
        self.asked: list[str] = []

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        return super().get(url)

    def post(self, url: str, body: bytes, content_type: str) -> bytes:
        self.asked.append(url)
        return super().post(url, body, content_type)


def client(folder: Path, *anchors: bytes, fetcher: Fetcher | None = None) -> RevocationClient:
    return RevocationClient(
        lambda: FileRevocation(folder / "authority"),
        fetcher or Counting(),
        RevocationCache(folder / "cache"),
        lambda: anchors,
    )


def cause(error: pytest.ExceptionInfo[UnavailableError]) -> str:
    for language in ("zh", "en"):
        assert "{" not in error.value.text(language)
    return str(error.value.values.get("cause"))


# ---- the test PKI --------------------------------------------------------------------------------------------------


def test_offices_of_all_authorities_need_nothing_but_the_network(pki: Kit, tmp_path: Path) -> None:
    leaves = [pki.leaf(ca) for ca in CAS]
    with pki.serving():
        for ca, leaf in zip(CAS, leaves, strict=True):
            root = pki.root(ca)
            source = client(tmp_path / ca, root)
            data = source.collect([leaf.certificate], NOW)
            path = build_path(leaf.certificate, data.certificates, [root], NOW)
            assert set(data.certificates) == set(pki.intermediates(ca)), "fetched by caIssuers"
            assert data.ocsps
            found = judge(path, data, NOW + HOUR)
            assert (found.outcome, found.provisional, found.unused, path.unused) == ("good", True, (), ())


def test_data_after_the_signature_make_the_verdict_final(pki: Kit, tmp_path: Path) -> None:
    leaf, root, times = pki.leaf("ca-h"), pki.root("ca-h"), [NOW]
    fetcher = Counting()
    with pki.serving(lambda: times[0]):
        source = client(tmp_path, root, fetcher=fetcher)
        first = source.collect([leaf.certificate], NOW)
        moment = NOW + 60
        times[0] = moment + DAY
        later = source.collect([leaf.certificate], times[0], after=moment, known=first.certificates)
    assert later.certificates == first.certificates and later != first
    path = build_path(leaf.certificate, later.certificates, [root], moment)
    assert judge(path, later, moment).code == "REVOCATION_GOOD"


def test_fresh_data_are_not_fetched_again_by_another_process_and_stale_ones_never_given(
    pki: Kit, tmp_path: Path
) -> None:
    leaf, root, times = pki.leaf("ca-h"), pki.root("ca-h"), [NOW]
    with pki.serving(lambda: times[0]):
        data = client(tmp_path, root).collect([leaf.certificate], NOW)
        second = Counting()
        assert client(tmp_path, root, fetcher=second).collect([leaf.certificate], NOW + HOUR) == data
        assert second.asked == []
    third = Counting()
    with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE") as error:
        client(tmp_path, root, fetcher=third).collect([leaf.certificate], NOW + 30 * DAY)
    assert cause(error) == "FETCH_UNREACHABLE" and third.asked


def test_damaged_cache_is_fetched_again(pki: Kit, tmp_path: Path) -> None:
    leaf, root = pki.leaf("ca-h"), pki.root("ca-h")
    with pki.serving(lambda: NOW):
        data = client(tmp_path, root).collect([leaf.certificate], NOW)
        for file in (tmp_path / "cache").iterdir():
            file.write_bytes(file.read_bytes()[:-20])
        assert client(tmp_path, root).collect([leaf.certificate], NOW).certificates == data.certificates


def test_revoked_office_learns_of_it(pki: Kit, tmp_path: Path) -> None:
    leaf, root = pki.leaf("ca-h", "revoked"), pki.root("ca-h")
    with pki.serving(lambda: NOW + HOUR):
        data = client(tmp_path, root).collect([leaf.certificate], NOW + HOUR)
    path = build_path(leaf.certificate, data.certificates, [root], NOW + HOUR)
    assert judge(path, data, NOW + HOUR).outcome == "revoked"


def test_folder_of_any_authority_will_do_without_a_network(pki: Kit, tmp_path: Path) -> None:
    for ca in CAS:
        leaf, root = pki.leaf(ca), pki.root(ca)
        files = {
            "certificates": ("der", (*pki.intermediates(ca), root)),
            "crls": ("crl", pki.pki.lists(ca, NOW, leaf.issuer)),
        }
        for folder, (suffix, contents) in files.items():
            (tmp_path / ca / folder).mkdir(parents=True)
            for number, content in enumerate(contents):
                (tmp_path / ca / folder / f"{number}.{suffix}").write_bytes(content)
        source = FileRevocation(tmp_path / ca)
        data = source.collect([leaf.certificate], NOW)
        path = build_path(leaf.certificate, data.certificates, [root], NOW)
        found = judge(path, data, NOW + HOUR)
        assert (found.outcome, found.unused, path.unused) == ("good", (), ())
        assert {span.since for span in source.spans()} == {NOW}


# ---- the folder ----------------------------------------------------------------------------------------------------


def test_folder_with_current_lists_needs_no_network(tmp_path: Path) -> None:
    made = DemoAuthority.create(tmp_path / "authority", "甲", "ecdsa-p256", NOW)
    leaf = made.issue(key().public_key(), "局", "11430000006122244L", NOW, 30)
    fetcher = Counting()
    source = client(tmp_path, made.root, fetcher=fetcher)
    assert source.collect([leaf], NOW) == FileRevocation(tmp_path / "authority").collect([leaf], NOW)
    assert fetcher.asked == []
    for other in (source, FileRevocation(tmp_path / "authority")):
        with pytest.raises(UnavailableError):
            other.collect([leaf], NOW + 60, after=NOW + 30)
    made.crls(NOW + HOUR)
    for other in (source, FileRevocation(tmp_path / "authority")):
        data = other.collect([leaf], NOW + HOUR, after=NOW + 30)
        assert judge(build_path(leaf, data.certificates, [made.root], NOW), data, NOW + 30).code == "REVOCATION_GOOD"


def test_certificate_without_an_address_and_a_folder_without_its_list(tmp_path: Path) -> None:
    world = Authority.make("http://127.0.0.1:9/")
    with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NOWHERE"):
        client(tmp_path, world.root).collect([world.bare], NOW)


# ---- servers of every kind -----------------------------------------------------------------------------------------


def test_responder_is_asked_by_get_and_where_it_knows_post_alone_by_post(tmp_path: Path) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        server.answer = lambda method, path: (200, world.response(), {})
        assert client(tmp_path / "a", world.root).collect([world.leaf], NOW).ocsps == (world_response(world, tmp_path),)
        assert [line.split("/")[0] for line in server.seen] == ["GET "]
        server.seen.clear()
        server.answer = lambda method, path: (200, world.response(), {}) if method == "POST" else (405, b"", {})
        assert client(tmp_path / "b", world.root).collect([world.leaf], NOW).ocsps
        assert [line.split(" ")[0] for line in server.seen] == ["GET", "POST"]


def world_response(world: Authority, folder: Path) -> bytes:
    """What was kept: signatures by ECDSA differ from one to the next."""
    (file,) = (folder / "a" / "cache").iterdir()
    return file.read_bytes()


@pytest.mark.parametrize("trouble", ["unknown", "try-later", "forged", "stale", "nonsense", "missing"])
def test_list_is_fetched_where_the_responder_is_of_no_use(tmp_path: Path, trouble: str) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        answers = {
            "unknown": world.response(kit.UNKNOWN),
            "try-later": bytes.fromhex("30030a0103"),
            "forged": kit.response(world.root, kit.ecdsa(key()), kit.single(world.leaf, world.root)),
            "stale": world.response(taken=NOW - DAY, until=NOW - 1),
            "nonsense": b"<html>",
            "missing": b"",
        }
        crl = world.crl()
        server.answer = lambda method, path: (
            (200, crl, {}) if path == "/crl" else (404 if trouble == "missing" else 200, answers[trouble], {})
        )
        data = client(tmp_path, world.root).collect([world.leaf], NOW)
        assert (data.ocsps, data.crls) == ((), (crl,))


@pytest.mark.parametrize(
    ("crl", "code"),
    [
        (lambda w: w.crl(signed_by=key()), "REVOCATION_FETCH_BAD"),
        (lambda w: w.crl(NOW - 3 * DAY), "REVOCATION_FETCH_OLD"),
        (lambda w: w.crl(NOW + DAY), "REVOCATION_FETCH_OLD"),  # a clock that is not to be believed
        (lambda w: b"\x30\x00", "REVOCATION_FETCH_BAD"),
    ],
    ids=["forged", "stale", "from-tomorrow", "nonsense"],
)
def test_what_is_no_use_is_neither_kept_nor_handed_out(
    tmp_path: Path, crl: Callable[[Authority], bytes], code: str
) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        body = crl(world)
        server.answer = lambda method, path: (200, body, {}) if path == "/crl" else (404, b"", {})
        with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE") as error:
            client(tmp_path, world.root).collect([world.leaf], NOW)
        assert cause(error) == code and not (tmp_path / "cache").exists()


def test_surplus_certificates_of_a_response_are_left_out(tmp_path: Path) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        about = kit.single(world.leaf, world.root, until=NOW + HOUR)
        body = kit.response(world.root, kit.ecdsa(world.key), about, enclosed=(world.bare, world.root))
        server.answer = lambda method, path: (200, body, {})
        data = client(tmp_path, world.root).collect([world.leaf], NOW)
        assert len(data.ocsps[0]) < len(body) - len(world.bare) - len(world.root)


def test_authority_that_is_down_rests_and_is_then_asked_again(tmp_path: Path) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        source = client(tmp_path, world.root)
        for _ in range(2):
            with pytest.raises(UnavailableError) as error:
                source.collect([world.leaf], NOW)
            assert cause(error) == "FETCH_STATUS"
        assert len(server.seen) == 3, "GET and POST to the responder, one GET for the list, and no second round"
        server.answer = lambda method, path: (200, world.response(), {})
        assert source.collect([world.leaf], NOW + REST).ocsps


def test_list_that_is_not_new_enough_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    with serving() as server:
        world = Authority.make(server.url)
        crl = world.crl()
        server.answer = lambda method, path: (200, crl, {}) if path == "/crl" else (404, b"", {})
        source = client(tmp_path, world.root)
        for second in (0, 30, REST + 1):
            with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE"):
                source.collect([world.leaf], NOW + second, after=NOW)
        assert server.seen.count("GET /crl") == 1
        newer = world.crl(NOW + UNCHANGED)
        server.answer = lambda method, path: (200, newer, {})
        assert source.collect([world.leaf], NOW + UNCHANGED, after=NOW) == ValidationData((), (newer,), ())


def test_who_wants_current_data_does_not_wait_because_another_wanted_later_ones(tmp_path: Path) -> None:
    """Around the rollover of a list: a late validation found the old one, and a batch needs the new one now."""
    with serving() as server:
        world = Authority.make(server.url)
        crl = world.crl()
        server.answer = lambda method, path: (200, crl, {}) if path == "/crl" else (404, b"", {})
        source = client(tmp_path, world.root)
        with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE"):
            source.collect([world.leaf], NOW + REST, after=NOW)
        assert source.collect([world.leaf], NOW + 2 * REST + 1).crls == (crl,)
        # nor is a list that has ended, and is replaced in a minute, a reason to wait for an hour
        ended = NOW + 30 * DAY
        with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE"):
            source.collect([world.leaf], ended)
        newer = world.crl(ended)
        server.answer = lambda method, path: (200, newer, {}) if path == "/crl" else (404, b"", {})
        assert source.collect([world.leaf], ended + REST).crls == (newer,)


def test_response_that_is_about_to_end_is_fetched_anew(tmp_path: Path) -> None:
    """The block comes some seconds after the signature, and the response must hold until then."""
    with serving() as server:
        world = Authority.make(server.url)
        server.answer = lambda method, path: (200, world.response(until=NOW + HOUR), {})
        client(tmp_path, world.root).collect([world.leaf], NOW)
        server.seen.clear()
        client(tmp_path, world.root).collect([world.leaf], NOW + HOUR - 601)
        assert server.seen == []
        client(tmp_path, world.root).collect([world.leaf], NOW + HOUR - 600)
        assert len(server.seen) == 1


def test_a_revocation_outlives_the_answer_that_told_of_it(tmp_path: Path) -> None:
    """Else a stolen key would sign again as soon as its authority is kept away for as long as a response lasts."""
    with serving() as server:
        world = Authority.make(server.url)
        server.answer = lambda method, path: (200, world.response(kit.revoked(NOW - HOUR)), {})
        client(tmp_path, world.root).collect([world.leaf], NOW)
    later = client(tmp_path, world.root)
    with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NONE"):
        later.collect([world.leaf], NOW + DAY)
    with pytest.raises(ConfigError, match="SIGNER_CERTIFICATE_REVOKED"):
        later.collect([world.leaf], NOW + DAY, to_sign=True)


@pytest.mark.parametrize(("reason", "lasts"), [("cessationOfOperation", True), ("certificateHold", False)])
def test_a_revocation_outlives_its_list_and_a_hold_does_not(tmp_path: Path, reason: str, lasts: bool) -> None:
    made = DemoAuthority.create(tmp_path / "authority", "甲", "ecdsa-p256", NOW)
    leaf = made.issue(key().public_key(), "局", "11430000006122244L", NOW, 300)
    made.revoke(leaf, NOW, reason)
    made.crls(NOW)
    source = FileRevocation(tmp_path / "authority")
    with pytest.raises(UnavailableError, match="REVOCATION_SOURCE_CRL"):
        source.collect([leaf], NOW + 90 * DAY)
    for either in (source, client(tmp_path, made.root, fetcher=Counting("nobody.example"))):
        with pytest.raises(ZhengyinError) as caught:
            either.collect([leaf], NOW + 90 * DAY, to_sign=True)
        assert (caught.value.code == "SIGNER_CERTIFICATE_REVOKED") == lasts


def test_a_delta_beside_the_newest_list_is_heard_before_signing(tmp_path: Path) -> None:
    made = DemoAuthority.create(tmp_path / "authority", "甲", "ecdsa-p256", NOW)
    leaf = made.issue(key().public_key(), "局", "11430000006122244L", NOW, 300)
    made.crls(NOW)
    (folder := tmp_path / "authority" / "crls").joinpath("delta.crl").write_bytes(delta_naming(leaf, folder.parent))
    for source in (
        FileRevocation(tmp_path / "authority"),
        client(tmp_path, made.root, fetcher=Counting("nobody.example")),
    ):
        source.collect([leaf], NOW)  # what verifies is for a complete list to say
        with pytest.raises(ConfigError, match="SIGNER_CERTIFICATE_REVOKED"):
            source.collect([leaf], NOW, to_sign=True)


def delta_naming(leaf: bytes, authority: Path) -> bytes:
    signer: Any = load_pem_private_key((authority / "keys" / "issuing.pem").read_bytes(), None)
    found, now = x509.load_der_x509_certificate(leaf), datetime.fromtimestamp(NOW, UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(found.serial_number).revocation_date(now).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(found.issuer).add_revoked_certificate(entry)
    builder = builder.last_update(now).next_update(now + timedelta(days=1))
    builder = builder.add_extension(x509.DeltaCRLIndicator(1), True).add_extension(x509.CRLNumber(2), False)
    return builder.sign(signer, SHA256()).public_bytes(Encoding.DER)


def test_a_revoked_authority_does_not_hide_behind_its_own_silence(tmp_path: Path) -> None:
    """An authority that was taken back makes no more lists: what hangs on it would be unknown, and sign."""
    made = DemoAuthority.create(tmp_path / "authority", "甲", "ecdsa-p256", NOW)
    leaf = made.issue(key().public_key(), "局", "11430000006122244L", NOW, 300)
    made.revoke(made.issuing, NOW)
    made.crls(NOW)
    (tmp_path / "authority" / "crls" / "issuing.crl").unlink()
    for source in (
        FileRevocation(tmp_path / "authority"),
        client(tmp_path, made.root, fetcher=Counting("nobody.example")),
    ):
        with pytest.raises(UnavailableError, match="REVOCATION_"):
            source.collect([leaf], NOW)
        with pytest.raises(ConfigError, match="SIGNER_CERTIFICATE_REVOKED"):
            source.collect([leaf], NOW, to_sign=True)


def test_issuers_may_come_as_certs_only_cms(tmp_path: Path) -> None:
    with serving() as server:
        own, middle = key(), key()
        root = certificate("Root", own.public_key(), "Root", own, True)
        upper = certificate("Middle", middle.public_key(), "Root", own, True)
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, uri(server.url + "p7c"))
        leaf = certificate(
            "Office", key().public_key(), "Middle", middle, False, x509.AuthorityInformationAccess([place])
        )
        body = pkcs7.serialize_certificates([x509.load_der_x509_certificate(upper)], Encoding.DER)
        server.answer = lambda method, path: (200, body, {})
        with pytest.raises(UnavailableError, match="REVOCATION_FETCH_NOWHERE"):
            client(tmp_path, root).collect([leaf], NOW)
        assert server.seen == ["GET /p7c"]
        server.answer = lambda method, path: (200, b"\x30\x00", {})
        with pytest.raises(UnavailableError, match="REVOCATION_SOURCE_ISSUER"):
            client(tmp_path / "other", root).collect([leaf], NOW)
