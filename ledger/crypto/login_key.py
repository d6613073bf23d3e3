"""What logins need a secret for: one pseudonym for a person whoever issued the certificate, and sessions that nobody
who can only write rows can make.

Under the ledger's index key, with labels of their own. Numbers of persons can be guessed, so a plain hash of them would
hide nothing.
"""

from __future__ import annotations

from ledger.crypto.mac import PreparedMac
from ledger.crypto.subject_identity import ORGANISATION_CODE, USCC, SubjectIdentity
from ledger.errors import InputError

KEY_BYTES = 32


class LoginKey:
    """Raises InputError ``KEY_LENGTH`` if ``secret`` is not 32 bytes. Instances do not show it."""

    __slots__ = ("_session", "_subject")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InputError("KEY_LENGTH", length=len(secret), expected=KEY_BYTES)
        self._session = PreparedMac(secret, b"login/session/")
        self._subject = PreparedMac(secret, b"login/subject/")

    def __repr__(self) -> str:
        return "LoginKey(…)"

    def subject(self, identity: SubjectIdentity) -> bytes:
        """The pseudonym, 32 bytes: of the scheme and the number, and of nothing else that certificates differ in."""
        scheme, value = identity.scheme, identity.value
        if scheme == USCC:  # holds the organisation code, which older certificates have alone (GB 32100)
            scheme, value = ORGANISATION_CODE, value[8:17]
        return self._subject.of(f"{scheme}/{value}".encode())

    def session(self, session: bytes) -> bytes:
        """HMAC-SHA-256 over what a session says, its secret included."""
        return self._session.of(session)
