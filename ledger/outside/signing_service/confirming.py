"""Somebody at the signer's terminal says yes to each batch, by its counts.

Nobody waits on a connection meanwhile: the ledger is told that a yes is missing and asks again, as its outbox does with
everything that is not to be had now. What was said is kept in this process alone; after a restart it is asked again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from ledger.core.manifests import Manifest
from ledger.errors import ConflictError, UnavailableError

MOST = 1024
"""Answers, and questions, that are kept; more questions wait at the ledger."""


class Confirming:
    """``require`` from any thread, ``ask_next`` from the one that has the terminal."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: OrderedDict[bytes, Manifest] = OrderedDict()
        self._said: OrderedDict[bytes, bool] = OrderedDict()

    def require(self, manifest: Manifest) -> None:
        """Raises UnavailableError ``SIGNER_UNCONFIRMED``, until it was said; ConflictError ``SIGNER_DECLINED``."""
        name = manifest.sha256()
        with self._changed:
            said = self._said.get(name)
            if said is None:
                if len(self._open) < MOST:
                    self._open.setdefault(name, manifest)
                    self._changed.notify()
                raise UnavailableError("SIGNER_UNCONFIRMED", root=manifest.root.hex())
        if not said:
            raise ConflictError("SIGNER_DECLINED", root=manifest.root.hex())

    def ask_next(self, ask: Callable[[Manifest], bool], seconds: float) -> bool:
        """Ask about the manifest that waits longest; ``False`` if within ``seconds`` there is none."""
        with self._changed:
            if not self._open and not self._changed.wait_for(lambda: bool(self._open), seconds):
                return False
            name, manifest = next(iter(self._open.items()))
        answer = ask(manifest)  # without the lock: a person takes time
        with self._changed:
            self._open.pop(name, None)
            self._said[name] = answer
            if len(self._said) > MOST:
                self._said.popitem(last=False)
        return True
