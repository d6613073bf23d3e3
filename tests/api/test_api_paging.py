"""What a walk over a list shows while imports are under way, as FORMATS says it."""

from __future__ import annotations

from api_kit import Office
from ledger_world import OFFICE_A

from ledger.core.identifiers import new_urn
from ledger.core.registries import Kind
from ledger.services.accepting import Draft, Staged


def staged(office: Office, number: int) -> tuple[Staged, str]:
    """A seal whose number is given, and which is not accepted yet."""
    values = {"name": f"第{number}枚", "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "x"}
    draft = Draft("seal", new_urn(bytes([number]) * 16), values)
    acceptor, now = office.world.app.acceptor, int(office.world.clock())
    prepared = acceptor.prepare(OFFICE_A, Kind.SEAL, [draft], now)
    return acceptor.stage(prepared), prepared.leaves[0].hex()


def walk(office: Office, cursor: str | None = None) -> tuple[list[str], str | None]:
    """Leaves from the cursor to the end one a page, and the cursor of the last page."""
    seen: list[str] = []
    while True:
        query = {"issuer": OFFICE_A, "limit": 1} | ({"cursor": cursor} if cursor else {})
        found = office("GET", "/v1/records", params=query).json()
        seen += [item["leaf"] for item in found["items"]]
        if "next" not in found:
            return seen, cursor
        cursor = found["next"]


def test_a_window_that_is_committed_late_is_behind_the_cursor_and_in_the_next_walk(furnished: Office) -> None:
    accept = furnished.world.app.acceptor.accept
    before, _ = walk(furnished)
    (early, early_leaf), (late, late_leaf) = staged(furnished, 1), staged(furnished, 2)
    more, more_leaf = staged(furnished, 3)
    accept([late])
    accept([more])
    seen, cursor = walk(furnished)
    assert seen == [*before, late_leaf, more_leaf]  # all that was accepted before the walk began
    accept([early])
    assert early_leaf not in walk(furnished, cursor)[0]
    again, _ = walk(furnished)
    assert again == [*before, early_leaf, late_leaf, more_leaf]  # each once, in the order of the numbers
