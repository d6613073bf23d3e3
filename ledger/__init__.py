"""证印 Zhengyin: a permissioned-chain ledger of e-licenses, e-seals and judicial evidence.

The names below are loaded when they are first used (PEP 562): verifying a bundle offline loads neither the chain nor
the database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.assembly.library import Ledger, open_ledger, verify_bundle
    from ledger.core.bundles import Bundle
    from ledger.core.trust import TrustFile
    from ledger.errors import ZhengyinError
    from ledger.verification.report import Report

__version__ = "0.1.0"
"""The one place where the version stands; the distribution reads it from here."""

__all__ = ["Bundle", "Ledger", "Report", "TrustFile", "ZhengyinError", "open_ledger", "verify_bundle"]

_WHERE = {
    "Bundle": "ledger.core.bundles",
    "Ledger": "ledger.assembly.library",
    "Report": "ledger.verification.report",
    "TrustFile": "ledger.core.trust",
    "ZhengyinError": "ledger.errors",
    "open_ledger": "ledger.assembly.library",
    "verify_bundle": "ledger.assembly.library",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'ledger' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__
