"""Taking something out of a bundle, or putting another's in, never makes it pass."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from e2e_bundles import Kit, tree

PARTS = ("small", "rich", "renewed")
Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of every key and every list item, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def parent(value: Any, path: Path) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def is_withheld(path: Path) -> bool:
    """A whole disclosure: what the holder, or a statement's office, may keep to himself."""
    return len(path) >= 2 and path[-2] == "disclosures"


@pytest.mark.parametrize("name", PARTS)
def test_the_whole_passes(kit: Kit, name: str) -> None:
    report = kit.judge(getattr(kit, name))
    assert (report.exit_code, report.cause_code) == (0, None)


@pytest.mark.parametrize("name", PARTS)
def test_no_key_and_no_item_can_be_taken_out(kit: Kit, name: str) -> None:
    whole = tree(getattr(kit, name))
    tried = 0
    for path in places(whole):
        left = copy.deepcopy(whole)
        del parent(left, path)[path[-1]]
        code = kit.judge_json(left).exit_code
        assert code != 0 or is_withheld(path), path
        assert code == 0 or not (is_withheld(path) and len(path) == 2), path
        tried += 1
    assert tried > 60


@pytest.mark.parametrize("name", PARTS)
def test_no_part_can_be_emptied(kit: Kit, name: str) -> None:
    whole = tree(getattr(kit, name))
    for path in places(whole):
        old = parent(whole, path)[path[-1]]
        empties: tuple[Any, ...] = ([], {}, None, "")
        for empty in empties:
            if old == empty or (path == ("disclosures",) and empty == []):
                continue
            left = copy.deepcopy(whole)
            parent(left, path)[path[-1]] = empty
            assert kit.judge_json(left).exit_code != 0, (path, empty)


def test_every_disclosure_may_be_withheld_and_none_changed(kit: Kit) -> None:
    whole = tree(kit.rich)
    assert kit.judge_json(whole | {"disclosures": []}).exit_code == 0
    for n in range(len(whole["disclosures"])):
        other = copy.deepcopy(whole)
        other["disclosures"][n]["value"] = "别人"
        assert kit.judge_json(other).exit_code == 1


@pytest.mark.parametrize("part", ["record", "manifest", "anchor", "signatures", "inclusion", "state"])
def test_a_part_of_another_bundle_never_fits(kit: Kit, part: str) -> None:
    """So does an office's record under another's manifest fail: the parts name one another."""
    small, rich = tree(kit.small), tree(kit.rich)
    for ours, theirs in ((small, rich), (rich, small)):
        if ours[part] != theirs[part]:
            assert kit.judge_json(ours | {part: theirs[part]}).exit_code != 0


def test_the_parts_of_a_list_are_in_their_one_order(kit: Kit) -> None:
    whole = tree(kit.rich)
    for path in (
        ("disclosures",),
        ("anchor", "receipt"),
        ("state", "nodes"),
        ("state", "entries"),
        ("state", "statements"),
    ):
        other = copy.deepcopy(whole)
        items = parent(other, path)[path[-1]]
        if len(items) > 1:
            items.reverse()
            assert kit.judge_json(other).exit_code != 0, path
