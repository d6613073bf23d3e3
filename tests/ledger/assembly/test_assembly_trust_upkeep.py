"""Descriptions, qualifications and publication of the trust list; and a list for a ledger from before there was one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_world import World

from ledger.assembly import doctor, trust_upkeep, trust_work
from ledger.assembly.council_work import decide, renew_trust
from ledger.assembly.demo_plan import CITY_A, COUNCIL, OFFICE_A, PROVIDERS
from ledger.assembly.home import ChainFile
from ledger.assembly.trusting import renewed_trust, sign, with_listed
from ledger.chain.calls import OPEN_END, CouncilCall
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_documents import Agreement, QualificationDocument
from ledger.core.trust_lists import Authority, ProviderQualification
from ledger.core.trust_services import QualificationType, ServiceStatus, TrustSnapshot
from ledger.crypto.certificates import fingerprint
from ledger.errors import ConfigError, ConflictError, InputError, IntegrityError, NotFoundError, UnavailableError
from ledger.services.offline import Question
from ledger.store.files import replace_file

PROVIDER = PROVIDERS[0]


def carry(world: World, *calls: CouncilCall) -> None:
    assert decide(world.app, calls, None).state.name == "EXECUTED"


def renewed(world: World) -> Trust:
    file = renewed_trust(world.app)
    world.app.trust.install(file)
    return TrustFile.from_bytes(file.to_bytes()).content


def root(world: World, folder: str = "ca-a") -> bytes:
    return world.app.home.authority_root(folder)


def of(trust: Trust, certificate: bytes) -> Authority:
    (found,) = (a for a in trust.authorities if a.certificate == certificate)
    return found


# ---- descriptions --------------------------------------------------------------------------------------------------


def test_a_new_description_renames_the_service_in_the_next_file(world: World) -> None:
    certificate = fingerprint(root(world))
    carry(world, trust_upkeep.describe(world.app, certificate, None, "改名后的 CA"))
    trust = renewed(world)
    assert of(trust, root(world)).name == "改名后的 CA"
    assert of(trust, root(world, "ca-b")).name == "ca-b"
    carry(world, trust_upkeep.describe(world.app, certificate, root(world), "又改名"))
    assert of(renewed(world), root(world)).name == "又改名"


def test_a_name_of_the_files_own_outlives_a_description(world: World) -> None:
    old = world.app.trust.content()
    own = tuple(replace(a, name="公报所载名称") if a.certificate == root(world) else a for a in old.authorities)
    world.app.trust.install(sign(world.app, replace(old, version=2, authorities=own), None))
    carry(world, trust_upkeep.describe(world.app, fingerprint(root(world)), None, "改名后的 CA"))
    assert of(renewed(world), root(world)).name == "公报所载名称"


def test_a_service_that_nobody_listed_or_a_name_that_nobody_can_read_is_not_described(world: World) -> None:
    with pytest.raises(NotFoundError, match="TRUST_LIST_SERVICE_UNKNOWN"):
        trust_upkeep.describe(world.app, bytes(32), None, "x")
    for name in ("", "x" * 257, "a\u202eb"):
        with pytest.raises(InputError, match=r"SHAPE_RANGE|CANONICAL_"):
            trust_upkeep.describe(world.app, fingerprint(root(world)), None, name)


# ---- qualifications ------------------------------------------------------------------------------------------------


def licence(world: World, until: int | None = None, number: str = "ECP44010215003") -> QualificationDocument:
    return QualificationDocument(PROVIDER, QualificationType.CERTIFICATION, number, int(world.clock()) + 5, until)


def test_a_qualification_is_written_down_ended_and_ends_in_the_file(world: World) -> None:
    app, held = world.app, licence(world)
    carry(world, trust_upkeep.qualify(app, held))
    (found,) = of(renewed(world), root(world)).qualifications
    assert found == ProviderQualification("certification", held.number, held.since, None)
    with pytest.raises(ConflictError, match="TRUST_LIST_QUALIFICATION_KNOWN"):
        trust_upkeep.qualify(app, held)
    world.clock.sleep(20)
    carry(world, *trust_upkeep.end_qualification(app, PROVIDER, held.number))
    (found,) = of(renewed(world), root(world)).qualifications
    assert found.until is not None and held.since < found.until <= int(world.clock())
    world.clock.sleep(2)
    with pytest.raises(NotFoundError, match="TRUST_LIST_QUALIFICATION_UNKNOWN"):
        trust_upkeep.end_qualification(app, PROVIDER, held.number)


def test_only_what_is_meant_is_ended(world: World) -> None:
    app, later = world.app, int(world.clock()) + 10_000
    government = replace(licence(world), type=QualificationType.GOVERNMENT)
    other = licence(world, number="别的编号")
    carry(world, *(trust_upkeep.qualify(app, q) for q in (licence(world), government, other)))

    def ends(type_: QualificationType | None = None, until: int = 0, provider: str = PROVIDER) -> int:
        return len(trust_upkeep.end_qualification(app, provider, licence(world).number, type_, until))

    assert (ends(), ends(QualificationType.GOVERNMENT), ends(until=later)) == (2, 1, 2)
    for provider, until in ((PROVIDERS[1], 0), (PROVIDER, OPEN_END)):
        with pytest.raises(NotFoundError, match="TRUST_LIST_QUALIFICATION_UNKNOWN"):
            ends(provider=provider, until=until)


def test_an_end_that_only_the_file_knows_is_not_undone_by_the_chain(world: World) -> None:
    held, end = licence(world), int(world.clock()) + 50
    carry(world, trust_upkeep.qualify(world.app, held))
    old = renewed(world)
    ended = ProviderQualification("certification", held.number, held.since, end)
    own = tuple(replace(a, qualifications=(ended,)) if a.provider == PROVIDER else a for a in old.authorities)
    world.app.trust.install(sign(world.app, replace(old, version=old.version + 1, authorities=own), None))
    assert of(renewed(world), root(world)).qualifications == (ended,)


# ---- a node that lies to whoever signs ------------------------------------------------------------------------------

Lie = Callable[[TrustSnapshot], TrustSnapshot]


def with_first(snapshot: TrustSnapshot, **changes: Any) -> TrustSnapshot:
    first, *others = snapshot.services
    return replace(snapshot, services=(replace(first, **changes), *others))


def without_end(snapshot: TrustSnapshot) -> TrustSnapshot:
    kept = tuple(replace(r, until=OPEN_END) for r in snapshot.recognitions)
    return replace(snapshot, recognitions=kept)


def of_another_number(snapshot: TrustSnapshot) -> TrustSnapshot:
    held = tuple((id_, replace(q, number=bytes(32))) for id_, q in snapshot.qualifications)
    return replace(snapshot, qualifications=held)


def invented(snapshot: TrustSnapshot) -> TrustSnapshot:
    first = snapshot.recognitions[0]
    more = replace(first, terms=replace(first.terms, level=4))
    return replace(snapshot, recognitions=(*snapshot.recognitions, more))


@pytest.mark.parametrize(
    "lie",
    [
        lambda s: with_first(s, statuses=s.services[0].statuses[:1]),  # never withdrawn
        lambda s: with_first(s, compromised_since=None),
        lambda s: with_first(s, compromised_since=1),
        lambda s: replace(s, services=s.services[1:]),  # nothing is said of it
        lambda s: replace(s, services=(*s.services, replace(s.services[0], certificate=b"\x01" * 32))),
        without_end,
        lambda s: replace(s, recognitions=()),
        invented,
        of_another_number,
    ],
)
def test_no_trust_file_is_signed_by_the_word_of_a_node(world: World, lie: Lie, monkeypatch: pytest.MonkeyPatch) -> None:
    app, certificate = world.app, fingerprint(root(world))
    carry(
        world,
        trust_work.set_status(app, certificate, ServiceStatus.WITHDRAWN),
        trust_work.compromise(app, certificate, int(world.clock())),
        trust_upkeep.qualify(app, licence(world)),
    )
    trust_work.end_recognition(app, Agreement(CITY_A, "founding"), certificate, ["license"], 2, 0)
    assert renewed_trust(app)
    told = app.chain.trust_list
    monkeypatch.setattr(app.chain, "trust_list", lambda block=None: lie(told(block)))
    with pytest.raises(IntegrityError, match="TRUST_LIST_UNPROVED"):
        renewed_trust(app)


def test_a_file_that_does_not_know_this_ledger_takes_nothing_from_its_list(shared_demo: World) -> None:
    content = shared_demo.app.trust.content()
    with pytest.raises(IntegrityError, match="TRUST_LIST_UNPROVED"):
        with_listed(shared_demo.app, replace(content, chains=()))


# ---- publication ---------------------------------------------------------------------------------------------------


def told_by_doctor(world: World) -> list[str]:
    world.close()
    return [code for _, code, _ in doctor._trust_list(world.app) if code.startswith("DOCTOR_TRUST_PUBLISHED")]


def test_the_file_in_force_is_published_and_another_one_is_noticed(world: World) -> None:
    assert told_by_doctor(world) == []
    carry(world, trust_upkeep.publish(world.app))
    content, found = world.app.trust.content(), world.app.trust_list.published()
    assert (found.number, found.document, found.next_update) == (1, content.fingerprint(), content.expires)
    assert told_by_doctor(world) == ["DOCTOR_TRUST_PUBLISHED"]
    with pytest.raises(ConflictError, match="CHAIN_REFUSED"):  # numbers only rise
        decide(world.app, [trust_upkeep.publish(world.app)], None)
    forked = sign(world.app, replace(content, expires=content.expires - 1), None)
    replace_file(world.home / "trust.json", forked.to_bytes())
    assert told_by_doctor(world) == ["DOCTOR_TRUST_PUBLISHED_OTHER"]
    carry(world, world.app.trust_list_calls.publish(7, bytes(31) + b"\x01", content.expires))
    assert told_by_doctor(world) == ["DOCTOR_TRUST_PUBLISHED_NEWER"]


# ---- a list for a ledger without one -------------------------------------------------------------------------------


def without_list(world: World) -> None:
    """As a ledger of the first form: no list in ``chain.json`` nor in the trust file, which does not know whose its
    authorities are."""
    old = world.app.trust.content()
    chains = tuple(replace(c, trust_list=None) for c in old.chains)
    named = tuple(replace(a, service="ca", provider=None, qualifications=()) for a in old.authorities)
    content = replace(old, form=1, chains=chains, authorities=named)
    file = sign(world.app, content, None)
    chain = ChainFile.read(world.home / "chain.json")
    world.close()
    bare = replace(chain, contracts=replace(chain.contracts, trust_list=None))
    (world.home / "chain.json").write_bytes(bare.to_bytes())
    (world.home / "trust.json").write_bytes(file.to_bytes())


def given_providers(world: World) -> None:
    old = world.app.trust.content()
    named = tuple(replace(a, provider=p) for a, p in zip(old.authorities, PROVIDERS, strict=True))
    world.app.trust.install(sign(world.app, replace(old, form=2, version=old.version + 1, authorities=named), None))


def adopt(world: World, address: bytes | None = None) -> bytes:
    found = trust_upkeep.deploy(world.app, None, address)
    world.close()
    return found


def test_a_ledger_from_before_gets_a_list_that_both_files_name(world: World) -> None:
    without_list(world)
    address = adopt(world)
    assert ChainFile.read(world.home / "chain.json").contracts.trust_list == address
    assert trust_upkeep.is_ahead(world.app)
    assert trust_upkeep.missing(world.app) == ([], ["ca-a", "ca-b"])  # nobody says whose they are
    given_providers(world)
    calls, left = trust_upkeep.missing(world.app)
    assert (len(calls), left) == (2, [])
    carry(world, *calls)
    assert trust_upkeep.missing(world.app) == ([], [])
    assert renew_trust(world.app, [])
    content = world.app.trust.content()
    assert (content.form, content.chains[0].trust_list) == (2, world.app.chain_file.contracts.trust_list_pin())
    assert not trust_upkeep.is_ahead(world.app)
    carry(world, trust_work.appoint(world.app, CITY_A, OFFICE_A))
    agreement = Agreement(CITY_A, "互认 9 号")
    trust_work.recognise(world.app, agreement, fingerprint(root(world)), ["identity"], 3, (0, OPEN_END))
    seal = world.issue_seal()
    world.drain()
    bundle = world.app.bundling.bundle(world.row(seal.id), None, state=False)
    assert world.app.verifying.bundle(bundle.to_bytes(), Question()).indication.name == "TOTAL_PASSED"


def test_what_the_file_trusts_no_more_is_not_granted_anew_by_a_list(world: World) -> None:
    without_list(world)
    adopt(world)
    given_providers(world)
    old = world.app.trust.content()
    gone, fallen = old.authorities
    now = int(world.clock())
    gone = replace(gone, states=(*gone.states, replace(gone.states[0], state="withdrawn", since=now)))
    own = (gone, replace(fallen, compromised_since=now))
    world.app.trust.install(sign(world.app, replace(old, version=old.version + 1, authorities=own), None))
    assert trust_upkeep.missing(world.app) == ([], [])


@contextmanager
def crash(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise UnavailableError("STORE_FAILED", detail="EIO")

    with monkeypatch.context() as patch:
        patch.setattr(trust_upkeep, name, stop)
        with pytest.raises(UnavailableError):
            yield


def test_a_crash_at_any_point_leaves_what_the_same_command_goes_on_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_list(world)
    with crash(monkeypatch, "replace_file"):  # deployed, and nothing refers to it
        adopt(world)
    world.close()
    assert ChainFile.read(world.home / "chain.json").contracts.trust_list is None
    address = adopt(world)
    assert adopt(world) == adopt(world, address) == address  # once more: nothing is deployed
    with pytest.raises(ConflictError, match="TRUST_LIST_DEPLOYED"):
        adopt(world, b"\x01" * 20)
    given_providers(world)
    calls, _ = trust_upkeep.missing(world.app)
    open_ = decide(world.app, calls, COUNCIL[0])  # one voice of two
    assert trust_upkeep.pending(world.app, trust_upkeep.missing(world.app)[0]) == open_
    assert trust_upkeep.pending(world.app, calls[:1]) is None
    carried = decide(world.app, calls, None)
    assert carried.state.name == "EXECUTED" and trust_upkeep.missing(world.app) == ([], [])


def test_another_members_list_is_adopted_by_its_address_and_no_other_contract_is(world: World, tmp_path: Path) -> None:
    without_list(world)
    contracts = world.app.chain_file.contracts
    for wrong, code in ((b"\x01" * 20, "CHAIN_NOT_FOUND"), (contracts.council, "CHAIN_CODE_DIFFERS")):
        with pytest.raises(ConfigError, match=code):
            trust_upkeep.deploy(world.app, None, wrong)
    before = (world.home / "chain.json").read_bytes()
    address = adopt(world)
    (world.home / "chain.json").write_bytes(before)  # the folder of another member
    assert adopt(world, address) == address
    carry(world, trust_work.appoint(world.app, CITY_A, OFFICE_A))


def test_a_list_that_the_file_names_is_taken_and_no_other_beside_it(world: World) -> None:
    chain = ChainFile.read(world.home / "chain.json")
    world.close()
    bare = replace(chain, contracts=replace(chain.contracts, trust_list=None))
    (world.home / "chain.json").write_bytes(bare.to_bytes())  # as from a backup
    with pytest.raises(ConflictError, match="TRUST_LIST_DEPLOYED"):
        adopt(world, chain.contracts.council)
    assert adopt(world) == chain.contracts.trust_list
    assert ChainFile.read(world.home / "chain.json") == chain


def test_who_has_no_account_of_a_member_deploys_nothing(world: World) -> None:
    without_list(world)
    for organisation in (OFFICE_A, "91440101000800219F"):
        with pytest.raises(ConfigError, match="COUNCIL_NO_MEMBER_HERE"):
            trust_upkeep.deploy(world.app, organisation, None)
