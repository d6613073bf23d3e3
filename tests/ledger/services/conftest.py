"""Services whose work is rows run on both databases; for those of chain and files one is enough."""

from __future__ import annotations

import pytest

BOTH = {
    f"test_services_{name}"
    for name in (
        "access",
        "accepting",
        "batching",
        "crashes",
        "erasing",
        "importing",
        "indexing",
        "operations",
        "uploads",
    )
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``world`` and ``demo`` of those modules, on both."""
    if "backend" in metafunc.fixturenames and metafunc.module.__name__ in BOTH:
        metafunc.parametrize("backend", ["sqlite", "postgresql"])
