"""Pages of lists: opaque cursors and the ``Link`` header (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from api.deps import answer
from ledger.core.canonical import b64, unb64
from ledger.errors import InputError

MOST = 200

Limit = Annotated[int, Query(ge=1, le=MOST, description="每页条数 · items of a page")]
Cursor = Annotated[str | None, Query(max_length=64, description="上一页的 next · `next` of the page before")]
_PLACE = re.compile(rb"after:([0-9]{1,18})")


class Numbered(Protocol):
    @property
    def row(self) -> int: ...


T = TypeVar("T", bound=Numbered)


def place(cursor: str | None) -> int | None:
    """The row that the page before ended with. Raises InputError API_CURSOR."""
    if cursor is None:
        return None
    try:
        match = _PLACE.fullmatch(unb64(cursor, "cursor"))
    except InputError as e:
        raise InputError("API_CURSOR") from e
    if match is None:
        raise InputError("API_CURSOR")
    return int(match[1])


def listing(request: Request, found: Sequence[T], limit: int, shown: Callable[[T], dict[str, Any]]) -> Response:
    """The page that answers: its items as they are shown, and where the next one begins."""
    items, after = _page(found, limit)
    value = {"items": [shown(item) for item in items]} | ({"next": after} if after else {})
    return answer(value, 200, link(request, after))


def _page(found: Sequence[T], limit: int) -> tuple[Sequence[T], str | None]:
    """``found`` holds one more than the limit if there is another page: (items, cursor of the next page)."""
    if len(found) <= limit:
        return found, None
    items = found[:limit]
    return items, following(items[-1].row)


def following(row: int) -> str:
    """The cursor of what comes behind ``row``."""
    return b64(b"after:%d" % row)


def link(request: Request, cursor: str | None) -> Mapping[str, str]:
    """The header that leads to the next page."""
    if cursor is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"Link": f'<{request.url.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}
