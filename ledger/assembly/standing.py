"""May a certificate still sign, as far as that can be known now? For files, logins, e-seals and the crypto service,
whose signatures need no revocation data: those of a batch collect them (``ports.Signer``).

Known to be revoked is refused. What cannot be known stands in nobody's way: a signature without data is judged by
whoever verifies it, and an authority that does not answer must not stop an office.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock

from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.issuer_chains import above_among
from ledger.outside.signing_keys import require_dates
from ledger.ports import RevocationSource

SECONDS, AGAIN = 600, 60
"""How long an answer is relied on, and until it is asked for again where there was none."""
REVOKED = "SIGNER_CERTIFICATE_REVOKED"


class Standing:
    """``at_hand``: authorities' certificates (DER) in the folders. Answers are kept by certificate; threads may share
    it."""

    def __init__(self, source: RevocationSource, at_hand: Callable[[], Sequence[bytes]]) -> None:
        self._source = source
        self._at_hand = at_hand
        self._known: dict[bytes, tuple[int, tuple[bytes, ...]]] = {}
        self._asking = Lock()

    def require(self, certificate: bytes, now: int) -> tuple[bytes, ...]:
        """The authorities' certificates (DER) between ``certificate`` and its root, as far as they are known here: a
        signature encloses them, so that a verifier who has the root needs no more. ``now``: seconds UTC.

        Raises:
            ConfigError: ``SIGNER_CERTIFICATE_REVOKED``, ``SIGNER_CERTIFICATE_DATES``.
        """
        require_dates(certificate, now)
        name = fingerprint(certificate)
        held = self._known.get(name)
        if held is not None and now < held[0]:
            return held[1]
        if not self._asking.acquire(blocking=held is None) and held is not None:
            return held[1]  # somebody asks already, perhaps for seconds: what was known so far serves meanwhile
        try:
            held = self._known.get(name)
            if held is None or now >= held[0]:
                held = self._known[name] = self._ask(certificate, now)
            return held[1]
        except ConfigError:
            self._known.pop(name, None)
            raise
        finally:
            self._asking.release()

    def _ask(self, certificate: bytes, now: int) -> tuple[int, tuple[bytes, ...]]:
        try:
            return now + SECONDS, self._source.collect([certificate], now, to_sign=True).certificates
        except (ConfigError, UnavailableError) as error:
            if error.code == REVOKED:
                raise
        above: tuple[bytes, ...] = ()
        with suppress(ConfigError, InputError):
            above = above_among(certificate, self._at_hand())
        parts = {each: read_certificate(each) for each in above}
        return now + AGAIN, tuple(each for each in above if parts[each].subject != parts[each].issuer)
