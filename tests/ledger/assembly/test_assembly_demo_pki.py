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
from ledger.assembly.file_signing import sign_file
from ledger.assembly.founding import Plan, found
from ledger.assembly.seal_judging import read_for_register
from ledger.assembly.seal_making import SealOrder, make_seal_file
from ledger.assembly.stamping import digest_of
from ledger.assembly.trust_work import compromise
from ledger.cli.verifying import handed_in
from ledger.core.registries import State
from ledger.core.trust import TrustFile
from ledger.core.trust_lists import DatedState
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.ofd.making import packed
from ledger.crypto.ofd.package import read_package
from ledger.crypto.paths import find_paths
from ledger.crypto.ses.parsing import parse_seal
from ledger.crypto.ses.values import Picture, Version
from ledger.crypto.ses.verifying import verify_seal
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError
from ledger.outside.demo_pki.pki import read_about
from ledger.outside.demo_pki.plan import authorities
from ledger.outside.demo_pki.server import HOST
from ledger.services.import_rows import ImportRequest, RowOutcome
from ledger.services.offline import Question
from ledger.services.seal_evidence import asked, parties
from ledger.verification.seal_trust import SealRules, judges_by
from ledger.verification.sealed import format_of
from scripts import demo_data
from scripts.demo_login import log_in_twice
from scripts.demo_seals import Sealing

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


@pytest.fixture(scope="module")
def sealing(ten: World, tmp_path_factory: pytest.TempPathFactory) -> Sealing:
    """The demonstration's seal, made, registered, and put on a PDF and an OFD."""
    if SM2 not in CAS:
        pytest.skip("no library with SM2 on this machine")
    made = Sealing(ten.app, tmp_path_factory.mktemp("sealed"))
    made.make()
    made.put_on()
    ten.drain()
    return made


def by_exported_trust(sealing: Sealing, data: bytes, moment: int | None = None, **changes: object) -> str | None:
    """The code that decides about a seal or a sealed file under the trust file as it is handed out."""
    app = sealing.app
    trust = replace(TrustFile.from_bytes(app.trust.current().to_bytes()).content, **changes)  # type: ignore[arg-type]
    now = int(app.clock()) if moment is None else moment
    judges = judges_by(SealRules(trust, "CN-440100", now, asked(parties(data), app.revocation, int(app.clock()))))
    form = format_of(data)
    report = verify_seal(data, now, judges) if form is None else form.verify(data, now, None, judges)
    assert (report.outcome.value == "passed") is (report.cause is None)
    return report.cause[1].code if report.cause else None


def test_seal_and_sealed_files_pass_by_the_trust_file_that_is_handed_out(sealing: Sealing) -> None:
    files = [file.read_bytes() for file in sealing.sealed.values()]
    assert [by_exported_trust(sealing, data) for data in (sealing.seal, *files)] == [None] * 3
    assert [sealing.verify(form).exit_code for form in ("pdf", "ofd")] == [0, 0]


def test_what_is_wrong_with_a_seal_is_said_as_it_is(sealing: Sealing) -> None:
    app, package = sealing.app, sealing.sealed["ofd"].read_bytes()
    trust, files = app.trust.content(), dict(read_package(package).files)
    page = next(name for name in files if name.endswith("Content.xml"))
    tampered = packed(files | {page: files[page].replace("加盖".encode(), "没有".encode())})
    assert by_exported_trust(sealing, tampered) == "OFD_REFERENCE_DIFFERS"
    assert by_exported_trust(sealing, sealing.seal, int(app.clock()) + 2 * 365 * 86_400) == "SES_SEAL_EXPIRED"
    (maker,) = (a for a in trust.authorities if a.service == "sealMaker")
    others = tuple(a for a in trust.authorities if a is not maker)
    assert by_exported_trust(sealing, package, authorities=others) == "SEALS_NO_AUTHORITY"
    other = replace(maker, certificate=app.home.authority_root(P256))
    assert by_exported_trust(sealing, package, authorities=(*others, other)) == "SEALS_PATH_NONE"
    struck = replace(maker, states=(DatedState("withdrawn", 1),))
    assert by_exported_trust(sealing, package, authorities=(*others, struck)) == "PATH_AUTHORITY_NOT_GRANTED"
    elsewhere = tuple(r for r in trust.recognitions if r.authority != fingerprint(maker.certificate))
    assert by_exported_trust(sealing, package, recognitions=elsewhere) == "PATH_NOT_RECOGNISED"
    stranger = Picture("PNG", demo_data.seal_picture(), 40, 40)
    order = SealOrder(
        *(Version.V5, "ZY", "1", 1, "仿制", (app.keys.certificate(OFFICE_A, "seal"),), int(app.clock())),
        *(int(app.clock()) + 86_400, stranger, False, "seal"),
    )
    forged = make_seal_file(app, OFFICE_A, order).data
    assert by_exported_trust(sealing, forged) == "SEALS_PATH_NONE"
    with pytest.raises(NotFoundError, match="SEALS_PATH_NONE"):
        read_for_register(app, OFFICE_A, forged)
    assert read_for_register(app, OFFICE_A, sealing.seal).doubts == ()


def test_a_strangers_file_sends_nobody_to_hosts_that_the_office_did_not_name(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, file = sealing.app, (sealing.sealed["ofd"],)
    question = handed_in(app, Question(), file)
    (report,) = app.verifying.all_by_file(question.documents[0], question)
    assert report.exit_code == 0, report.detailed("en")
    monkeypatch.setattr(app, "settings", app.settings.model_copy(update={"revocation_hosts": ()}))
    assert handed_in(app, Question(), file).seal_data is None


def test_only_a_maker_of_the_trust_file_has_its_seals_registered(
    sealing: Sealing, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = sealing.app
    trust, now = app.trust.content(), int(app.clock())
    (maker,) = (a for a in trust.authorities if a.service == "sealMaker")
    others = tuple(a for a in trust.authorities if a is not maker)

    def judged(**changes: object) -> str:
        authorities = (*others, replace(maker, **changes)) if changes else others  # type: ignore[arg-type]
        monkeypatch.setattr(app.trust, "content", lambda: replace(trust, authorities=authorities))
        try:
            return ",".join(doubt.code for doubt in read_for_register(app, OFFICE_A, sealing.seal).doubts)
        except (InputError, NotFoundError) as error:
            return f"refused: {error.code}"

    assert judged() == "SEALS_NO_AUTHORITY", "a ledger without makers goes on, and says so"
    assert judged(states=(DatedState("granted", 1), DatedState("withdrawn", now - 60))) == (
        "refused: PATH_AUTHORITY_NOT_GRANTED"
    )
    created = parse_seal(sealing.seal).info.created
    assert judged(compromised_since=created) == "refused: PATH_AUTHORITY_COMPROMISED"
    assert judged(compromised_since=created + 1) == "refused: SEALS_COMPROMISED_SINCE"
    assert judged(certificate=app.home.authority_root(P256)) == "refused: SEALS_PATH_NONE"
    assert judged(name="another") == ""


def test_a_suspended_seal_seals_nothing_and_its_record_says_so(ten: World, sealing: Sealing) -> None:
    (registered,) = ten.app.seals.of_file(digest_of(sealing.seal).sha256)
    ten.clock.sleep(10)
    ten.change(registered.leaf, State.SUSPENDED)
    with pytest.raises(ConflictError, match="SEAL_NOT_IN_FORCE"):
        sealing.put_on()
    ten.drain()
    document = digest_of(sealing.seal)
    report = ten.app.verifying.by_file(document, Question((document,)))
    assert (report.exit_code, report.cause_code) == (1, "STATUS_SUSPENDED")
    assert [sealing.verify(form).exit_code for form in ("pdf", "ofd")] == [0, 0], "used before it was suspended"


def test_one_person_with_certificates_of_two_authorities_is_one(ten: World) -> None:
    if SM2 not in CAS:
        pytest.skip("the other authority would be one of RSA, which this ledger has not")
    ten.close()  # so that its services begin after the certificates were issued
    ten.app.settings = ten.app.settings.model_copy(update={"login_address": "http://127.0.0.1"})
    assert len(log_in_twice(ten.app)) == 1


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


def test_an_authority_of_its_kind_is_chosen_for_a_key(ten: World) -> None:
    for algorithm, ca in (("sm2", SM2), ("rsa-2048", ED25519)):
        if ca in FEW:
            made = certify(ten.app, OFFICE_A, "示范", f"new-{algorithm}", None, algorithm=algorithm)
            assert f"{authorities()[ca].name} (TEST)".encode() in read_certificate(made).issuer


@pytest.mark.parametrize("label", FEW)
def test_who_has_the_root_alone_can_verify_what_an_office_signs(ten: World, label: str) -> None:
    """The authorities between lie in no folder: they are fetched where the certificate says."""
    made = sign_file(ten.app, OFFICES[label], "main", b"notice").found
    root = ten.app.home.authority_root(label)
    assert find_paths(made.certificate, made.certificates, [root], int(ten.clock()))


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
