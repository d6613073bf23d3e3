"""The trust list of a founded ledger, and the trust file that follows it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_world import START, World

from ledger.assembly import trust_work
from ledger.assembly.council_work import decide
from ledger.assembly.demo_plan import CITY_A, CITY_B, COUNCIL, OFFICE_A, PROVIDERS
from ledger.assembly.doctor import examine
from ledger.assembly.founding_trust import PURPOSES, described
from ledger.assembly.home import ChainFile
from ledger.assembly.trust_lists_in import apply, incoming
from ledger.assembly.trusting import renewed_trust, sign
from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.core.bundles import Bundle
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_documents import Agreement, QualificationDocument
from ledger.core.trust_lists import Authority
from ledger.core.trust_services import QualificationType, ServiceStatus, ServiceType
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError, UnavailableError
from ledger.outside.demo_authority import DemoAuthority
from ledger.proofs.keccak import keccak
from ledger.services.offline import Question
from ledger.services.trust_lote import read_lote
from ledger.services.trust_lote_writing import lote

STRANGER = "91440101000800219F"
OPEN = ("FAILED", "UNDETERMINED")
AGREEMENT = Agreement(CITY_B, "互认〔2026〕7 号")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The root of an authority that nobody listed."""
    folder = tmp_path_factory.mktemp("stranger") / "ca"
    DemoAuthority.create(folder, "示范 CA 丙", "ecdsa-p256", int(START))
    return (folder / "certificates" / "root.der").read_bytes()


def roots(world: World) -> list[bytes]:
    return [fingerprint(world.app.home.authority_root(name)) for name in ("ca-a", "ca-b")]


def carry(world: World, *calls: CouncilCall) -> None:
    assert decide(world.app, calls, None).state.name == "EXECUTED"


def renewed(world: World) -> Trust:
    file = renewed_trust(world.app)
    world.app.trust.install(file)
    return TrustFile.from_bytes(file.to_bytes()).content


def of(trust: Trust, certificate: bytes) -> Authority:
    (found,) = (a for a in trust.authorities if fingerprint(a.certificate) == certificate)
    return found


def states(authority: Authority) -> list[str]:
    return [s.state for s in authority.states]


def test_a_new_ledger_lists_its_authorities_on_chain_and_in_its_file(world: World) -> None:
    snapshot, trust = trust_work.snapshot(world.app), world.app.trust.content()
    assert [s.certificate for s in snapshot.services] == roots(world)
    assert {s.listing.provider for s in snapshot.services} == set(PROVIDERS) == {a.provider for a in trust.authorities}
    assert {(j, who) for j, _, who in snapshot.authorities} == {(CITY_A, COUNCIL[0]), (CITY_B, COUNCIL[1])}
    on_chain = {(r.terms.jurisdiction, r.terms.certificate, r.terms.purpose) for r in snapshot.recognitions}
    in_file = {(r.jurisdiction, r.authority, r.purpose) for r in trust.recognitions}
    assert len(on_chain) == len(in_file) == len(trust.recognitions) == 2 * 2 * len(PURPOSES)
    with world.app.store.read() as unit:
        assert all(unit.chain.document(id_) for id_ in snapshot.documents)


def test_statuses_of_the_follower_are_those_the_contract_keeps_the_digest_of(world: World) -> None:
    (certificate, _), listing = roots(world), world.app.trust_list
    carry(world, trust_work.set_status(world.app, certificate, ServiceStatus.SUSPENDED))
    told = trust_work.listed(world.app, certificate).statuses
    assert listing.statuses(certificate, listing.service(certificate)) == told and len(told) == 2


def test_the_code_of_the_trust_list_is_checked_like_the_others(world: World) -> None:
    pin = world.app.trust.content().chains[0].trust_list
    assert pin is not None and pin.address == world.app.chain_file.contracts.trust_list
    assert keccak(world.app.trust_list._transactor.node.code(pin.address)) == pin.code
    file = ChainFile.read(world.home / "chain.json")
    other = replace(file, contracts=replace(file.contracts, trust_list=file.contracts.council))
    world.close()
    (world.home / "chain.json").write_bytes(other.to_bytes())
    with pytest.raises(ConfigError) as refused:
        world.app.chain.head()
    assert refused.value.code == "CHAIN_CODE_DIFFERS"


def test_a_ledger_from_before_there_was_a_trust_list_works_without(world: World) -> None:
    file = ChainFile.read(world.home / "chain.json")
    world.close()
    (world.home / "chain.json").write_bytes(
        replace(file, contracts=replace(file.contracts, trust_list=None)).to_bytes()
    )
    assert json.loads((world.home / "chain.json").read_bytes())["tag"] == "zhengyin/chainFile/1"
    trust = renewed(world)
    assert (trust.chains[0].trust_list, len(trust.authorities)) == (None, 2)
    for act in (trust_work.snapshot, lambda app: app.trust_list):
        with pytest.raises(NotFoundError) as refused:
            act(world.app)
        assert refused.value.code == "TRUST_LIST_NONE"


def test_a_status_of_the_chain_is_added_to_what_the_file_says(world: World) -> None:
    certificate, other = roots(world)
    before = of(world.app.trust.content(), certificate).states
    for status in (ServiceStatus.SUSPENDED, ServiceStatus.GRANTED, ServiceStatus.WITHDRAWN):
        carry(world, trust_work.set_status(world.app, certificate, status))
    trust = renewed(world)
    found = of(trust, certificate)
    assert states(found) == ["granted", "suspended", "granted", "withdrawn"]
    assert found.states[:1] == before and found.states[1].since > before[0].since  # its own beginning stays
    assert states(of(trust, other)) == ["granted"]
    assert of(renewed(world), certificate) == found  # once more changes nothing


def test_a_withdrawal_that_only_the_file_knows_outlives_the_chain(world: World) -> None:
    app, (certificate, _) = world.app, roots(world)
    old = app.trust.content()
    authority = of(old, certificate)
    gone = replace(
        authority, states=(*authority.states, replace(authority.states[0], state="withdrawn", since=int(world.clock())))
    )
    listed = tuple(gone if a is authority else a for a in old.authorities)
    app.trust.install(sign(app, replace(old, version=2, authorities=listed), None))
    assert states(of(renewed(world), certificate)) == ["granted", "withdrawn"]


def test_the_earlier_of_two_compromises_holds(world: World) -> None:
    certificate, _ = roots(world)
    carry(world, trust_work.compromise(world.app, certificate, int(START) + 4))
    assert of(renewed(world), certificate).compromised_since == int(START) + 4
    carry(world, trust_work.compromise(world.app, certificate, int(START) + 2))
    assert of(renewed(world), certificate).compromised_since == int(START) + 2


def test_a_service_is_added_with_the_licences_of_its_provider(world: World, stranger: bytes) -> None:
    service = described("示范时间戳", stranger, STRANGER, ServiceType.TSA)
    since, until = int(world.clock()) + 100, int(world.clock()) + 10_000
    held = [
        QualificationDocument(STRANGER, QualificationType.CERTIFICATION, "ECP44010215003", since, None),
        QualificationDocument(STRANGER, QualificationType.GOVERNMENT, "A077", since, until),
    ]
    carry(world, *trust_work.add(world.app, service, held))
    found = of(renewed(world), fingerprint(stranger))
    assert (found.name, found.service, found.provider) == ("示范时间戳", "tsa", STRANGER)
    assert [(q.type, q.number, q.since, q.until) for q in found.qualifications] == [
        ("certification", "ECP44010215003", since, None),
        ("government", "A077", since, until),
    ]


def test_a_service_is_listed_once(world: World) -> None:
    root = world.app.home.authority_root("ca-a")
    with pytest.raises(ConflictError) as refused:
        trust_work.add(world.app, described("示范", root, STRANGER), [])
    assert refused.value.code == "TRUST_LIST_SERVICE_KNOWN"


def test_what_the_file_says_of_a_service_outranks_the_chain(world: World) -> None:
    app, (certificate, _) = world.app, roots(world)
    old = app.trust.content()
    own = replace(of(old, certificate), name="改名", provider=STRANGER, service="tsa")
    twice = tuple(
        replace(r, since=since, until=until) for r in old.recognitions[:1] for since, until in ((1, 2), (5, None))
    )
    listed = tuple(own if fingerprint(a.certificate) == certificate else a for a in old.authorities)
    content = replace(old, version=2, authorities=listed, recognitions=twice + old.recognitions[1:])
    app.trust.install(sign(app, content, None))
    trust = renewed(world)
    assert of(trust, certificate) == own
    assert trust.recognitions[:2] == twice and len(trust.recognitions) == len(old.recognitions) + 1


def test_a_service_whose_certificate_is_not_kept_here_is_left_out(world: World, stranger: bytes) -> None:
    calls = trust_work.add(world.app, described("示范", stranger, STRANGER), [])
    carry(world, *calls)
    document = trust_work.listed(world.app, fingerprint(stranger)).listing.document
    with world.app.store.begin() as unit:
        unit.chain._connection.exec_driver_sql("DELETE FROM documents WHERE id = ?", (document,))
    assert len(renewed(world).authorities) == 2


def test_only_the_account_of_the_recognising_jurisdiction_recognises(world: World, stranger: bytes) -> None:
    app, certificate = world.app, fingerprint(stranger)
    carry(world, *trust_work.add(app, described("示范", stranger, STRANGER), []))
    trust_work.recognise(app, AGREEMENT, certificate, ["license", "identity"], 3, (0, OPEN_END))
    (one, two) = (r for r in renewed(world).recognitions if r.authority == certificate)
    assert (one.jurisdiction, one.purpose, one.level, one.reference) == (CITY_B, "license", 3, "互认〔2026〕7 号")
    assert (two.purpose, two.until) == ("identity", None)
    with pytest.raises(ConflictError) as again:
        trust_work.recognise(app, AGREEMENT, certificate, ["license"], 3, (0, OPEN_END))
    assert again.value.code == "CHAIN_REFUSED"
    with pytest.raises(NotFoundError) as nobody:
        trust_work.recognise(app, Agreement("HK", "x"), certificate, ["license"], 3, (0, OPEN_END))
    assert nobody.value.code == "TRUST_LIST_AUTHORITY_UNKNOWN"
    held = next(path for path in (world.home / "keys").rglob("*") if path.is_dir() and path.name == COUNCIL[1])
    held.rename(world.home / "elsewhere")
    world.close()
    with pytest.raises(ConfigError) as foreign:
        trust_work.recognise(world.app, AGREEMENT, certificate, ["seal"], 3, (0, OPEN_END))
    assert foreign.value.code == "TRUST_LIST_NOT_OURS"


def test_a_recognition_that_ended_on_chain_ends_in_the_file(world: World) -> None:
    certificate, _ = roots(world)
    founding = Agreement(CITY_A, "founding")
    trust_work.end_recognition(world.app, founding, certificate, ["license"], 2, 0)
    found = [r for r in renewed(world).recognitions if r.until is not None]
    assert [(r.jurisdiction, r.authority, r.purpose) for r in found] == [(CITY_A, certificate, "license")]
    assert found[0].since < START < (found[0].until or 0)


def test_another_organisation_is_appointed_and_the_one_before_has_no_say(world: World) -> None:
    certificate, _ = roots(world)
    carry(world, trust_work.appoint(world.app, CITY_B, OFFICE_A))
    assert dict((j, who) for j, _, who in trust_work.snapshot(world.app).authorities)[CITY_B] == OFFICE_A
    trust_work.recognise(world.app, AGREEMENT, certificate, ["identity"], 1, (0, OPEN_END))
    with world.app.store.read() as unit:
        acts = [e["act"] for e in map(json.loads, (bytes(row[1]) for row in unit.chain._connection.exec_driver_sql(
            "SELECT row, entry FROM operations ORDER BY row")))]  # fmt: skip
    assert acts[-1] == "trust.recognise"


def test_the_doctor_says_when_the_chain_is_ahead_of_the_file(world: World) -> None:
    def said() -> str:
        world.close()
        (check,) = (c for c in examine(world.home, world.clock) if c.name == "trust list")
        return check.code

    assert said() == "DOCTOR_TRUST_LIST"
    carry(world, trust_work.compromise(world.app, roots(world)[0], int(START)))
    assert said() == "DOCTOR_TRUST_LIST_AHEAD"
    renewed(world)
    assert said() == "DOCTOR_TRUST_LIST"


# ---- verification ---------------------------------------------------------------------------------------------------


def issued(world: World) -> Bundle:
    seal = world.issue_seal()
    world.drain()
    return world.app.bundling.bundle(world.row(seal.id), None, state=False)


def judged(world: World, bundle: Bundle) -> tuple[str, set[str]]:
    report = world.app.verifying.bundle(bundle.to_bytes(), Question())
    codes = {f.code for step in report.steps if step.outcome.name in OPEN for f in step.findings}
    return report.indication.name, codes


def test_what_the_council_withdrew_is_seen_before_the_new_file_is(world: World) -> None:
    certificate, _ = roots(world)
    before = issued(world)
    world.clock.sleep(10)
    carry(world, trust_work.set_status(world.app, certificate, ServiceStatus.WITHDRAWN))
    after = issued(world)
    assert judged(world, before)[0] == "TOTAL_PASSED"
    assert judged(world, after) == ("INDETERMINATE", {"PATH_NOT_GRANTED_ON_CHAIN"})
    renewed(world)
    assert judged(world, before)[0] == "TOTAL_PASSED"
    assert judged(world, after)[0] == "TOTAL_FAILED"
    assert "PATH_AUTHORITY_NOT_GRANTED" in judged(world, after)[1]


def test_a_silent_node_says_nothing_against_an_authority(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = issued(world)

    def silent(_: int) -> None:
        raise UnavailableError("CHAIN_BEHIND", block=1)

    monkeypatch.setattr(world.app.chain, "trust_list", silent)
    report = world.app.verifying.bundle(bundle.to_bytes(), Question())
    assert "FAILED" not in {step.outcome.name for step in report.steps}


# ---- lists from elsewhere -------------------------------------------------------------------------------------------


def from_elsewhere(
    world: World, stranger: bytes, sequence: int, change: Callable[[Any], None] = lambda _: None
) -> bytes:
    """Another office's list: its own authority, and recognitions by its own territory."""
    old = world.app.trust.content()
    theirs = replace(of(old, roots(world)[0]), name="示范 CA 丙", certificate=stranger, provider=STRANGER)
    recognitions = tuple(replace(r, authority=fingerprint(stranger), jurisdiction="HK") for r in old.recognitions[:2])
    content = replace(old, version=sequence, authorities=(theirs,), recognitions=recognitions)
    value = json.loads(lote(content, "香港示范机构", "HK"))
    change(value["LoTE"])
    return json.dumps(value).encode()


def services(value: Any) -> list[Any]:
    found: list[Any] = value["TrustedEntitiesList"][0]["TrustedEntityServices"]
    return found


def test_a_list_shows_what_it_changes_and_changes_nothing_before_it_is_applied(world: World, stranger: bytes) -> None:
    before = world.app.trust.content()
    list_ = incoming(world.app, from_elsewhere(world, stranger, 5))
    assert [(c.change, c.certificate) for c in list_.changes] == [("added", fingerprint(stranger))]
    assert world.app.trust.content() == before
    apply(world.app, list_)
    trust = world.app.trust.content()
    assert trust.version == before.version + 1 and len(trust.authorities) == 3
    assert {r.jurisdiction for r in trust.recognitions if r.authority == fingerprint(stranger)} == {"HK"}


def test_what_a_later_list_leaves_out_is_withdrawn_not_forgotten(world: World, stranger: bytes) -> None:
    def another(value: Any) -> None:
        root = world.app.home.authority_root("ca-a")
        identity = services(value)[0]["ServiceInformation"]["ServiceDigitalIdentity"]
        identity["X509Certificates"][0]["val"] = base64.b64encode(root).decode()

    apply(world.app, incoming(world.app, from_elsewhere(world, stranger, 5)))
    list_ = incoming(world.app, from_elsewhere(world, stranger, 6, another))
    assert {c.change for c in list_.changes if c.certificate == fingerprint(stranger)} == {"removed"}
    apply(world.app, list_)
    assert states(of(world.app.trust.content(), fingerprint(stranger))) == ["granted", "withdrawn"]


def test_a_recognition_that_a_later_list_leaves_out_ends(world: World, stranger: bytes) -> None:
    def without(value: Any) -> None:
        del services(value)[0]["ServiceInformation"]["ServiceInformationExtensions"][0]["recognitions"][0]

    apply(world.app, incoming(world.app, from_elsewhere(world, stranger, 5)))
    apply(world.app, incoming(world.app, from_elsewhere(world, stranger, 6, without)))
    found = [r for r in world.app.trust.content().recognitions if r.authority == fingerprint(stranger)]
    assert sorted((r.until is None) for r in found) == [False, True]


def test_a_compromise_is_never_taken_back_by_a_list(world: World, stranger: bytes) -> None:
    def fallen(value: Any) -> None:
        services(value)[0]["ServiceInformation"]["ServiceInformationExtensions"][0]["compromisedSince"] = (
            "2026-01-02T00:00:00Z"
        )

    apply(world.app, incoming(world.app, from_elsewhere(world, stranger, 5, fallen)))
    later = incoming(world.app, from_elsewhere(world, stranger, 6))
    assert later.changes == []


@pytest.mark.parametrize(
    ("sequence", "change", "code"),
    [
        (4, lambda v: None, "LOTE_ROLLBACK"),
        (5, lambda v: v["ListAndSchemeInformation"].update(NextUpdate="2090-01-01T00:00:00Z"), "LOTE_ROLLBACK"),
        (6, lambda v: v["ListAndSchemeInformation"].update(NextUpdate="2026-01-01T00:00:00Z"), "LOTE_EXPIRED"),
        (6, lambda v: services(v)[0]["ServiceInformation"].update(ServiceStatus="good"), "LOTE_STATUS"),
        (6, lambda v: services(v)[0]["ServiceInformation"].update(ServiceTypeIdentifier="?"), "LOTE_TYPE"),
        (6, lambda v: services(v).append(services(v)[0]), "LOTE_REPEATED"),
        (6, lambda v: v["ListAndSchemeInformation"].update(SchemeTerritory="MO"), "LOTE_TERRITORY"),
        (6, lambda v: v.pop("TrustedEntitiesList"), "SHAPE_KEYS"),
    ],
)  # fmt: skip
def test_a_list_that_must_not_be_applied(
    world: World, stranger: bytes, sequence: int, change: Callable[[Any], Any], code: str
) -> None:
    apply(world.app, incoming(world.app, from_elsewhere(world, stranger, 5)))
    with pytest.raises((InputError, ConflictError)) as refused:
        incoming(world.app, from_elsewhere(world, stranger, sequence, change))
    assert refused.value.code == code


def test_what_is_exported_reads_as_what_the_file_says(world: World, tmp_path: Path) -> None:
    certificate, _ = roots(world)
    carry(world, trust_work.set_status(world.app, certificate, ServiceStatus.SUSPENDED))
    trust = renewed(world)
    found = read_lote(lote(trust, OFFICE_A, "CN"))
    assert (found.operator, found.territory, found.sequence) == (OFFICE_A, "CN", trust.version)
    assert found.authorities == trust.authorities
    assert set(found.recognitions) == set(trust.recognitions)
    assert (found.issued, found.next_update) == (trust.issued, trust.expires)
