"""The test and demonstration PKI: its authorities are what they are said to be. What verification makes of each thing
that can be wrong with their certificates: ``test_verification_authorities_matrix``."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest
from pki_kit import CAS, DAY, NOW, OFFICE, Kit, Leaf

from ledger.crypto.certificates import read_certificate
from ledger.crypto.path_rules import TIME_STAMPING
from ledger.crypto.paths import build_path
from ledger.crypto.revocation import RevocationVerdict, judge
from ledger.crypto.timestamps import over, verify_token
from ledger.errors import ConfigError, NotFoundError
from ledger.outside.demo_pki import plan, server
from ledger.outside.demo_pki.pki import DemoPki

HOUR = 3600


def verdict(pki: Kit, leaf: Leaf, moment: int = NOW, taken: int = NOW, by_ocsp: bool = False) -> RevocationVerdict:
    data = pki.validation(leaf, taken, by_ocsp)
    return judge(build_path(leaf.certificate, data.certificates, [pki.root(leaf.ca)], moment), data, moment)


def test_ten_authorities_of_three_jurisdictions() -> None:
    made = plan.authorities().values()
    assert sorted(ca.algorithm.split("-")[0] for ca in made) == ["ecdsa"] * 2 + ["ed25519"] + ["rsa"] * 3 + ["sm2"] * 4
    assert len({ca.jurisdiction for ca in made}) == 3


@pytest.mark.parametrize("ca", CAS)
@pytest.mark.parametrize("by_ocsp", [False, True])
def test_an_office_of_each_authority_is_good_and_nothing_is_left_over(pki: Kit, ca: str, by_ocsp: bool) -> None:
    leaf = pki.leaf(ca)
    found = verdict(pki, leaf, NOW + HOUR, NOW, by_ocsp)
    assert (found.outcome, found.provisional, found.unused) == ("good", True, ())
    assert not verdict(pki, leaf, NOW - HOUR, NOW, by_ocsp).provisional
    assert (leaf.key.spki, OFFICE.encode() in leaf.certificate) == (read_certificate(leaf.certificate).spki, True)


@pytest.mark.parametrize("ca", CAS)
def test_tokens_of_each_authority(pki: Kit, ca: str) -> None:
    found = verify_token(pki.token(ca, b"signature", NOW), over(b"signature"))
    assert (found.time, found.certificate) == (NOW, pki.pki.certificate(ca, "tsa"))
    build_path(found.certificate, pki.intermediates(ca), [pki.root(ca)], NOW, TIME_STAMPING)


@pytest.mark.skipif("ca-b" not in CAS, reason="SM2 works nowhere on this machine")
def test_a_cross_certified_authority_has_two_paths(pki: Kit) -> None:
    leaf, others = pki.leaf("ca-b"), pki.intermediates("ca-b")
    assert len(build_path(leaf.certificate, others, [pki.root("ca-b")], NOW).certificates) == 3
    crossed = build_path(leaf.certificate, (*others, pki.cross_certificate), [pki.root("ca-a")], NOW)
    assert crossed.certificates[-2:] == (pki.cross_certificate, pki.root("ca-a"))


def test_a_renewed_root_takes_over_what_the_old_one_certified(pki: Kit) -> None:
    leaf, others = pki.leaf("ca-f"), pki.intermediates("ca-f")
    assert read_certificate(pki.expired_root).spki == read_certificate(pki.root("ca-f")).spki
    for root in (pki.root("ca-f"), pki.expired_root):
        build_path(leaf.certificate, others, [root], NOW)


def test_below_a_revoked_intermediate_everything_falls(pki: Kit) -> None:
    leaf = pki.leaf("ca-g", issuer="second")
    assert verdict(pki, leaf, NOW - 11 * DAY).outcome == "good"
    found = verdict(pki, leaf)
    assert (found.outcome, found.values["position"], found.values["reason"]) == ("revoked", 1, "cACompromise")


def test_an_opened_pki_is_the_same(pki: Kit) -> None:
    leaf, again = pki.leaf("ca-j"), DemoPki(pki.folder)
    assert again.certificate("ca-j", leaf.name) == leaf.certificate
    assert [again.certificate(ca, "root") for ca in CAS] == [pki.root(ca) for ca in CAS]
    with pytest.raises(NotFoundError):
        again.certificate("ca-j", "nobody")


def test_services_answer_at_the_urls_of_the_certificates(pki: Kit) -> None:
    with pki.serving(lambda: NOW + 5) as made, httpx.Client(trust_env=False) as client:
        crl = client.get(made.url("ca-j", "crls/issuing/latest.crl"))
        assert crl.content == pki.crl("ca-j", at=NOW + 5)  # Ed25519 signs the same twice
        assert client.get(made.url("ca-j", "certs/issuing/ca.crt")).content == made.certificate("ca-j", "issuing")
        assert client.post(made.url("ca-j", "ocsp/issuing"), content=b"junk").status_code == 400
        assert client.post(made.url("ca-j", "tsa/tsa"), content=bytes(server.MAX_REQUEST + 1)).status_code == 413
        assert client.get(made.url("ca-z", "crls/issuing/latest.crl")).status_code == 404
        assert server.ensure_served(pki.folder, lambda: NOW) is None, "somebody serves already"


def test_an_authority_that_this_machine_cannot_work_answers_plainly(
    pki: Kit, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def no_sm2(*_: object) -> bytes:
        raise ConfigError("SM2_UNAVAILABLE")

    with pki.serving() as made, httpx.Client(trust_env=False) as client:
        monkeypatch.setattr(DemoPki, "crl", no_sm2)
        answer = client.get(made.url("ca-j", "crls/issuing/latest.crl"))
    assert (answer.status_code, server.CANNOT in answer.text) == (503, True)
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_in_other_hands_is_named(pki: Kit) -> None:
    with socket.create_server((server.HOST, pki.pki.port)) as stranger:
        stranger.settimeout(0)
        with pytest.raises(ConfigError) as refused:
            server.DemoServer(pki.pki, lambda: NOW)
    assert refused.value.code == "DEMO_PKI_PORT"


def test_a_damaged_folder_is_named(pki: Kit, tmp_path: Path) -> None:
    (tmp_path / "pki.json").write_text("{}")
    with pytest.raises(ConfigError) as refused:
        DemoPki(tmp_path)
    assert refused.value.code == "DEMO_PKI_DAMAGED"
