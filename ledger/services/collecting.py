"""Bulk work without the search for reference cycles: rows are tuples, bytes and dictionaries by the million, none of
which refers back, and looking at them again and again costs a tenth of an import."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collection() -> Iterator[None]:
    """Reference counting alone frees memory inside; nesting is fine. Short stretches only: other threads' cycles wait
    as long."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
