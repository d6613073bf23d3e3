"""Council: k of n organisations, a delay with a veto on everything but a bar, and no power of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from contracts_support import ZERO, Chain, Contract, Done, Event, Revert, name32, word
from contracts_world import OFFICE, address, key, reverts

MEMBERS = (name32("member-1"), name32("member-2"), name32("member-3"))
ONE, TWO, THREE = MEMBERS
DELAY, DAY = 3_600, 86_400
UNKNOWN, OPEN, WAITING, READY, EXECUTED, VETOED, EXPIRED, SUPERSEDED = range(8)


def seats(*organisations: bytes) -> list[tuple[bytes, str]]:
    return [(o, address(o)) for o in organisations]


@dataclass(frozen=True)
class Chamber:
    """Two of three organisations with an hour's delay, and the consortium they govern."""

    chain: Chain = field(default_factory=Chain)
    council: Contract = field(init=False)
    consortium: Contract = field(init=False)

    def __post_init__(self) -> None:
        council = self.chain.deploy(key("deployer"), "Council", seats(*MEMBERS), 2, DELAY)
        object.__setattr__(self, "council", council)
        object.__setattr__(self, "consortium", self.chain.deploy(key("deployer"), "Consortium", council.address))
        self.decide(self.call("registerOrganisation", OFFICE))

    def act(self, by: bytes | str, function: str, *arguments: Any) -> Done:
        return self.council.send(key(by), function, *arguments)

    def call(self, function: str, *arguments: Any) -> tuple[bytes, bytes]:
        return self.consortium.address, self.consortium.calldata(function, *arguments)

    def propose(self, *calls: tuple[bytes, bytes], by: bytes = ONE) -> int:
        return int(self.act(by, "propose", list(calls)).values[0])

    def decide(self, *calls: tuple[bytes, bytes]) -> Done:
        id_ = self.propose(*calls)
        self.act(ONE, "approve", id_)
        self.act(TWO, "approve", id_)
        self.chain.time += DELAY
        return self.act(ONE, "execute", id_)

    def state(self, id_: int) -> int:
        return int(self.council.view("stateOf", id_))


@pytest.fixture(scope="module")
def founded() -> Chamber:
    return Chamber()


@pytest.fixture
def chamber(founded: Chamber) -> Iterator[Chamber]:
    snapshot = founded.chain.snapshot()
    yield founded
    founded.chain.revert(snapshot)


def test_a_proposal_passes_by_threshold_and_delay(chamber: Chamber) -> None:
    calls = [chamber.call("registerOrganisation", word("o")), chamber.call("setSuperior", OFFICE, word("o"))]
    made = chamber.act(ONE, "propose", calls)
    (id_,) = made.values
    shown = tuple(("0x" + target.hex(), data) for target, data in calls)
    assert made.events == [Event("ProposalMade", (id_, ONE, shown))]
    assert chamber.council.view("proposalOf", id_) == ((made.time, 0, 1, 0, 0, False, False), shown)
    assert chamber.act(TWO, "approve", id_).events == [Event("ProposalApproved", (id_, TWO))]
    assert chamber.state(id_) == OPEN  # proposing is not approving
    reached = chamber.act(THREE, "approve", id_).time
    chamber.chain.time = reached + DELAY - 1
    assert chamber.state(id_) == WAITING
    with reverts("ProposalInState", id_, WAITING):
        chamber.act(ONE, "execute", id_)
    assert chamber.state(id_) == READY
    done = chamber.act(ONE, "execute", id_)
    assert [e.name for e in done.events] == ["OrganisationRegistered", "SuperiorSet", "ProposalExecuted"]
    assert done.events[-1] == Event("ProposalExecuted", (id_, ONE))
    with reverts("ProposalInState", id_, EXECUTED):
        chamber.act(ONE, "execute", id_)


@pytest.mark.parametrize("function", ["propose", "approve", "veto", "execute"])
def test_only_members_act(chamber: Chamber, function: str) -> None:
    arguments = [chamber.call("bar", OFFICE)] if function == "propose" else 1
    with reverts("NotMember", address("deployer").lower()):
        chamber.act("deployer", function, arguments)


@pytest.mark.parametrize("function", ["approve", "veto", "execute"])
def test_an_unknown_proposal_is_nothing(chamber: Chamber, function: str) -> None:
    with reverts("ProposalInState", 99, UNKNOWN):
        chamber.act(ONE, function, 99)


def test_no_member_alone_passes_anything(chamber: Chamber) -> None:
    id_ = chamber.propose(chamber.call("unbar", OFFICE))
    chamber.act(ONE, "approve", id_)
    with reverts("AlreadyVoted", id_, ONE):
        chamber.act(ONE, "approve", id_)
    chamber.chain.time += DELAY
    with reverts("ProposalInState", id_, OPEN):
        chamber.act(ONE, "execute", id_)
    with reverts("NotCouncil", address(ONE).lower()):
        chamber.consortium.send(key(ONE), "unbar", OFFICE)


def test_n_minus_k_plus_1_vetoes_end_a_proposal_in_its_delay(chamber: Chamber) -> None:
    id_ = chamber.propose(chamber.call("unbar", OFFICE))
    chamber.act(ONE, "approve", id_)
    chamber.act(TWO, "approve", id_)
    assert chamber.act(THREE, "veto", id_).events == [Event("ProposalVetoed", (id_, THREE))]
    assert chamber.state(id_) == WAITING
    with reverts("AlreadyVoted", id_, THREE):
        chamber.act(THREE, "veto", id_)
    with reverts("AlreadyVoted", id_, THREE):
        chamber.act(THREE, "approve", id_)
    chamber.act(TWO, "veto", id_)
    assert chamber.state(id_) == VETOED
    for function in ("approve", "veto", "execute"):
        with reverts("ProposalInState", id_, VETOED):
            chamber.act(ONE, function, id_)


def test_a_veto_takes_back_ones_approval_and_the_delay_begins_anew(chamber: Chamber) -> None:
    id_ = chamber.propose(chamber.call("unbar", OFFICE))
    chamber.act(ONE, "approve", id_)
    chamber.act(TWO, "approve", id_)
    chamber.act(TWO, "veto", id_)
    chamber.chain.time += DELAY
    assert chamber.state(id_) == OPEN
    chamber.act(THREE, "approve", id_)
    assert chamber.state(id_) == WAITING


def test_only_a_proposal_of_nothing_but_bars_has_no_delay(chamber: Chamber) -> None:
    urgent = chamber.propose(chamber.call("bar", OFFICE), chamber.call("bar", OFFICE))
    mixed = chamber.propose(chamber.call("bar", OFFICE), chamber.call("unbar", OFFICE))
    hidden = chamber.propose(chamber.call("unbar", OFFICE), chamber.call("bar", OFFICE))
    for id_ in (urgent, mixed, hidden):
        chamber.act(ONE, "approve", id_)
        chamber.act(TWO, "approve", id_)
    assert [chamber.state(id_) for id_ in (urgent, mixed, hidden)] == [READY, WAITING, WAITING]
    chamber.act(THREE, "execute", urgent)
    assert chamber.consortium.view("organisationOf", OFFICE)[2] is True


def test_proposals_expire(chamber: Chamber) -> None:
    id_ = chamber.propose(chamber.call("unbar", OFFICE))
    made = chamber.chain.time - 1
    chamber.act(ONE, "approve", id_)
    chamber.act(TWO, "approve", id_)
    chamber.chain.time = made + 30 * DAY - 1
    assert chamber.state(id_) == READY
    chamber.chain.time += 1
    for function in ("approve", "veto", "execute"):
        with reverts("ProposalInState", id_, EXPIRED):
            chamber.act(THREE, function, id_)


def test_a_failing_call_undoes_the_whole_and_says_why(chamber: Chamber) -> None:
    id_ = chamber.propose(chamber.call("bar", OFFICE), chamber.call("bar", word("nobody")))
    chamber.act(ONE, "approve", id_)
    chamber.act(TWO, "approve", id_)
    with pytest.raises(Revert) as caught:
        chamber.act(ONE, "execute", id_)
    reason = caught.value.values[1]
    assert (caught.value.name, caught.value.values[0]) == ("CallFailed", 1)
    assert reason[4:] == word("nobody")  # UnknownOrganisation(organisation)
    assert chamber.state(id_) == READY
    assert chamber.consortium.view("organisationOf", OFFICE)[2] is False


def test_what_cannot_be_a_proposal(chamber: Chamber) -> None:
    call = chamber.call("bar", OFFICE)
    for calls in ([], [call] * 201):
        with reverts("CallsOutOfRange", len(calls), 200):
            chamber.act(ONE, "propose", calls)
    # A call to an account without code would succeed and do nothing.
    with reverts("TargetWithoutCode", 1, address("deployer").lower()):
        chamber.act(ONE, "propose", [call, (address("deployer"), b"")])


def test_members_change_only_by_proposal_and_open_proposals_fall(chamber: Chamber) -> None:
    with reverts("NotCouncil", address(ONE).lower()):
        chamber.act(ONE, "changeMembers", seats(ONE), 1, 0)
    left = chamber.propose(chamber.call("unbar", OFFICE))
    new = name32("member-4")
    change = chamber.council.calldata("changeMembers", seats(ONE, new), 1, 0)
    done = chamber.decide((chamber.council.address, change))
    shown = tuple((o, a.lower()) for o, a in seats(ONE, new))
    assert done.events[0] == Event("MembersChanged", (2, shown, 1, 0))
    assert chamber.council.view("rules") == (1, 2, 0, 2)
    assert chamber.council.view("memberOf", address(TWO)) == ZERO
    with reverts("NotMember", address(TWO).lower()):
        chamber.act(TWO, "approve", left)
    with reverts("ProposalInState", left, SUPERSEDED):
        chamber.act(ONE, "approve", left)
    id_ = chamber.propose(chamber.call("bar", OFFICE), by=new)
    assert (id_, chamber.council.view("proposalCount")) == (id_, id_)
    chamber.act(new, "approve", id_)
    chamber.act(new, "execute", id_)


def test_two_accounts_of_one_organisation_count_once(chamber: Chamber) -> None:
    members = [*seats(ONE, TWO), (ONE, address("second seat"))]
    council = chamber.chain.deploy(key("deployer"), "Council", members, 2, 0)
    assert council.view("rules") == (2, 2, 0, 1)
    id_ = council.send(key(ONE), "propose", [chamber.call("bar", OFFICE)]).values[0]
    council.send(key(ONE), "approve", id_)
    with reverts("AlreadyVoted", id_, ONE):
        council.send(key("second seat"), "approve", id_)
    with reverts("ThresholdOutOfRange", 3, 2):
        chamber.chain.deploy(key("deployer"), "Council", members, 3, 0)


@pytest.mark.parametrize(
    ("members", "threshold", "delay", "error"),
    [
        ([], 1, 0, ("ThresholdOutOfRange", 1, 0)),
        (seats(ONE), 0, 0, ("ThresholdOutOfRange", 0, 1)),
        (seats(ONE), 2, 0, ("ThresholdOutOfRange", 2, 1)),
        (seats(ONE, ONE), 1, 0, ("MemberRepeated", address(ONE).lower())),
        (seats(ONE, ZERO), 1, 0, ("MemberInvalid", 1)),
        ([(ONE, "0x" + "00" * 20)], 1, 0, ("MemberInvalid", 0)),
        (seats(ONE), 1, 14 * DAY + 1, ("DelayTooLong", 14 * DAY + 1, 14 * DAY)),
    ],
    ids=str,
)
def test_no_council_is_founded_that_could_not_or_should_not_act(
    chamber: Chamber, members: Any, threshold: int, delay: int, error: tuple[Any, ...]
) -> None:
    with reverts(*error):
        chamber.chain.deploy(key("deployer"), "Council", members, threshold, delay)


def test_a_council_of_one_without_delay_decides_at_once(chamber: Chamber) -> None:
    council = chamber.chain.deploy(key("deployer"), "Council", seats(ONE), 1, 0)
    consortium = chamber.chain.deploy(key("deployer"), "Consortium", council.address)
    call = (consortium.address, consortium.calldata("registerOrganisation", OFFICE))
    assert council.send(key(ONE), "propose", [call]).values == (1,)
    council.send(key(ONE), "approve", 1)
    assert council.send(key(ONE), "execute", 1).events[0].name == "OrganisationRegistered"
