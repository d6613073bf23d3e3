"""Taking anything out of a bundle, or flipping anything in it, never makes it pass."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import bundle_factory as f
import orjson
import pytest
from verification_attacks import ATTACKS, Attack

from ledger.core.bundles import Bundle
from ledger.core.registries import State
from ledger.core.verdicts import Indication, Step
from ledger.verification import verify

PASSED = Indication.TOTAL_PASSED
Path = tuple[str | int, ...]


def honest() -> Bundle:
    """A license that was suspended and is active again, so that entries and statements are there to be taken
    out."""
    base = f.issue()
    first = f.make_statement(base.record, State.SUSPENDED, f.T + 10, f.Reason.DETAINED)
    second = f.make_statement(base.record, State.ACTIVE, f.T + 20, f.Reason.RETURNED)
    entries = [
        f.entry_for(first, State.SUSPENDED, f.T + 10, f.Reason.DETAINED),
        f.entry_for(second, State.ACTIVE, f.T + 20, f.Reason.RETURNED),
    ]
    return f.stapled(base, entries=entries, statements=[first, second])


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every member and element of a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield (*path, key)
        yield from places(member, (*path, key))


def taken_out(tree: Any, path: Path) -> Any:
    """The tree without what is at ``path``: an element is dropped, a member becomes null."""
    tree = copy.deepcopy(tree)
    *way, last = path
    node = tree
    for key in way:
        node = node[key]
    if isinstance(node, list):
        del node[last]
    else:
        node[last] = None
    return tree


def removals(bundle: Bundle) -> list[Path]:
    return list(places(bundle.to_json()))


def written(tree: Any) -> bytes:
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def is_presentation(path: Path) -> bool:
    """Which claims are shown is the choice of whoever shows them; a decision's state, reason and effective
    instant are needed, its number is not."""
    return path[-2] == "disclosures"


def test_honest_bundle_with_history_passes() -> None:
    assert verify(f.facts(honest())).indication is PASSED


def test_nothing_but_a_disclosure_can_be_taken_out() -> None:
    tree = honest().to_json()
    passing = []
    for path in removals(honest()):
        data = written(taken_out(tree, path))
        if data != written(tree) and verify(f.facts(data)).indication is PASSED:
            passing.append(path)
    assert all(map(is_presentation, passing)), passing
    assert len(passing) == 2 + 2 * 2  # two shown claims; of each decision its number and its empty successor


def sections(tree: Any) -> list[Path]:
    lists: list[Path] = [("signatures",), ("validation", "certificates"), ("validation", "crls"), ("anchor", "receipt")]
    return [("state",), ("anchor", "accreditation"), *((*p, i) for p in lists for i in range(len(_at(tree, p))))]


RESTORED = ("PATH_CERTIFICATE_UNUSED", "REVOCATION_UNUSED", "SIGNATURE_SURPLUS", "ACCREDITATION_SURPLUS")
"""Slack is refused; taking the surplus out again gives the honest bundle back, which is no forgery."""


@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if a.step is not Step.CONTAINER and a.code not in RESTORED], ids=lambda a: a.name
)
def test_no_attack_succeeds_by_leaving_out_a_section(attack: Attack) -> None:
    facts = attack.make()
    tree = Bundle.from_bytes(facts.bundle).to_json()
    for path in sections(tree):
        report = verify(replace(facts, bundle=written(taken_out(tree, path))))
        assert report.indication is not PASSED, path


def test_no_list_can_be_put_in_another_order_or_grow() -> None:
    tree = honest().to_json()
    lists = [p for p in places(tree) if isinstance(_at(tree, p), list) and _at(tree, p)]
    assert len(lists) > 20
    for path in lists:
        found = _at(tree, path)
        for other in (found[::-1], [*found, found[-1]], [found[0], *found]):
            if other != found:
                assert verify(f.facts(written(_with(tree, path, other)))).indication is not PASSED, path


def test_flipped_bits_never_pass_and_never_raise() -> None:
    data = bytearray(honest().to_bytes())
    rng = random.Random(7)
    for _ in range(600):
        at, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
        data[at] ^= bit
        report = verify(f.facts(bytes(data)))
        data[at] ^= bit
        assert report.indication is not PASSED
        assert not any(x.code == "STEP_FAULT" for r in report.steps for x in r.findings)


@pytest.mark.parametrize("online", [False, True])
def test_other_characters_in_encoded_parts_never_pass_and_never_raise(online: bool) -> None:
    """As above, but well-formed: one base64 character of a string is another, so that the inner parsers see it.
    With a fresh state at hand, the stapled one has to hold all the same."""
    fresh = honest().state if online else None
    tree, rng = honest().to_json(), random.Random(11)
    strings = [p for p in removals(honest()) if isinstance(_at(tree, p), str) and len(_at(tree, p)) > 40]
    for _ in range(600):
        path = rng.choice(strings)
        text = _at(tree, path)
        at = rng.randrange(len(text))
        other = rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        changed = _with(tree, path, text[:at] + other + text[at + 1 :])
        if changed == tree:
            continue
        report = verify(f.facts(written(changed), fresh_state=fresh))
        assert report.indication is not PASSED, path
        assert not any(x.code == "STEP_FAULT" for r in report.steps for x in r.findings), path


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _with(tree: Any, path: Path, value: Any) -> Any:
    tree = copy.deepcopy(tree)
    _at(tree, path[:-1])[path[-1]] = value
    return tree
