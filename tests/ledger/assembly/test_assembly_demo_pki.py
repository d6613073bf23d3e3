"""A ledger whose authorities are of the demonstration PKI: its offices sign with what those certify, and prove by what
their services say."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Thread

import pytest
from ledger_world import Clock, World
from pki_kit import CAS

from ledger.assembly.council_work import certify, renew_trust
from ledger.assembly.demo_pki_plan import OFFICES, pki_plan
from ledger.assembly.demo_plan import OFFICE_A
from ledger.assembly.founding import Plan, found
from ledger.assembly.trust_work import compromise
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import ConfigError
from ledger.outside.demo_pki.pki import read_about
from ledger.outside.demo_pki.server import HOST
from ledger.services.import_rows import ImportRequest, RowOutcome
from ledger.services.offline import Question
from scripts import demo_data

ED25519, P256, SM2 = "ca-j", "ca-h", "ca-a"
FEW = [label for label in (SM2, P256, ED25519) if label in CAS]


def few() -> Plan:
    """Those authorities whose keys are made at once, an office of each, and a council."""
    whole = pki_plan()
    offices = [f for f in whole.founders if f.authority in FEW]
    council = [replace(f, authority=ED25519) for f in whole.founders if f.organisation in whole.council]
    own = replace(whole.founders[0], authority=P256)
    authorities = tuple(a for a in whole.authorities if a.folder in FEW)
    return replace(whole, founders=(own, *offices, *council), authorities=authorities)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home, clock = tmp_path_factory.mktemp("pki") / "home", Clock()
    found(home, few(), clock, clock.wait)
    world = World(home, clock, {})
    yield world
    world.close()


def test_the_whole_plan_names_an_office_and_a_provider_of_each_authority() -> None:
    plan = pki_plan()
    assert [a.folder for a in plan.authorities] == list(CAS)
    assert {OFFICES[label] for label in CAS} <= {f.organisation for f in plan.founders}
    assert len({a.provider for a in plan.authorities}) == len(CAS)
    assert plan.recognised == ({"ca-d": ("CN-320100",)} if "ca-d" in CAS else {})


def issued(world: World, label: str, number: int = 0) -> str:
    """The id of a license by the authority's office, anchored."""
    source, outcomes = world.home.parent / f"{label}-{number}.csv", list[RowOutcome]()
    demo_data.write_csv(source, demo_data.BUSINESS_HEADER, iter(list(demo_data.business_rows(number + 1))[number:]))
    definition = world.app.types.get("business-license")
    world.app.importing.run(ImportRequest(OFFICES[label], definition, source, source.parent), outcomes.extend)
    world.drain()
    return outcomes[0].id or ""


@pytest.mark.parametrize("label", FEW)
def test_licenses_are_proved_by_what_the_services_said(ten: World, label: str) -> None:
    license_id = issued(ten, label)
    report = ten.app.verifying.by_id(license_id, Question())
    assert report.exit_code == 0, report.detailed("en")
    bundle = ten.app.bundling.bundle(ten.row(license_id), None, state=False)
    assert report.proved["time"]["source"] == "token"
    assert len(bundle.validation.ocsps) == 2, "of the signer's authority and the stamper's, not found in a folder"


def test_a_compromised_authority_is_believed_up_to_that_day(ten: World) -> None:
    before = issued(ten, P256, 1)
    ten.clock.sleep(10)
    root = fingerprint(ten.app.home.authority_root(P256))
    ten.decree(compromise(ten.app, root, int(ten.clock())))
    renew_trust(ten.app, ())
    after = issued(ten, P256, 2)
    judged = [ten.app.verifying.by_id(license_id, Question()).cause_code for license_id in (before, after)]
    assert judged == [None, "PATH_AUTHORITY_COMPROMISED"]


def test_keys_of_any_kind_are_certified_by_any_authority(ten: World) -> None:
    spki = ten.app.keys.create(OFFICE_A, "other", "signing", "rsa-2048")
    certificate = certify(ten.app, OFFICE_A, "示范", "other", ED25519)
    assert read_certificate(certificate).spki == spki


def hang_up(server: socket.socket) -> None:
    """On whoever calls, until the socket is closed."""
    with suppress(OSError):
        while True:
            server.accept()[0].close()


def test_services_taken_by_a_stranger_are_said_to_be(ten: World) -> None:
    ten.close()
    port, _, _ = read_about(ten.home / "authorities")
    with socket.create_server((HOST, port)) as stranger:
        Thread(target=hang_up, args=(stranger,), daemon=True).start()
        with pytest.raises(ConfigError) as refused:
            ten.app.serve_demo_authorities()
    assert refused.value.code == "DEMO_PKI_PORT"
