"""Does a certificate path count here and now: what the trust file says of the authority in which it ends, and of every
key on the way.

For decisions of this moment, where nothing was signed in the past; records are judged by steps 10 and 12.
"""

from __future__ import annotations

from ledger.core.trust import Trust
from ledger.core.trust_lists import CA, Authority, Recognition
from ledger.crypto.certificates import fingerprint, read_certificate
from ledger.crypto.paths import CertificatePath
from ledger.errors import InputError
from ledger.verification.policies import require_recognised


def anchors(trust: Trust) -> tuple[bytes, ...]:
    """Certificates (DER) of the listed certification authorities, whatever their state."""
    return tuple(dict.fromkeys(a.certificate for a in trust.authorities if a.service == CA))


def require_standing(
    trust: Trust, path: CertificatePath, purpose: str, jurisdiction: str, level: int, moment: int
) -> Recognition:
    """The recognition by which ``path`` counts at ``moment`` (seconds UTC) for ``purpose`` (a word of
    ``core.trust_services``) in ``jurisdiction``, of the highest level.

    Raises:
        InputError: ``PATH_AUTHORITY_NOT_GRANTED``, ``PATH_AUTHORITY_COMPROMISED``, and as ``require_recognised``.
    """
    require_granted(trust, path, moment)
    return require_recognised(trust, path.anchor_sha256, purpose, jurisdiction, level, moment)


def require_granted(trust: Trust, path: CertificatePath, moment: int) -> Authority:
    """The authority in which ``path`` ends, which stood at ``moment`` (seconds UTC), recognised somewhere or nowhere.

    Raises:
        InputError: ``PATH_AUTHORITY_NOT_GRANTED``, ``PATH_AUTHORITY_COMPROMISED``.
    """
    keys = {read_certificate(der).spki for der in path.certificates[1:]}
    named = [a for a in trust.authorities if a.service == CA and fingerprint(a.certificate) == path.anchor_sha256]
    # an authority struck from the list does not come back as another's subordinate either
    fallen = [a for a in named if a.state_at(moment) != "granted"] + _struck(trust, path, moment)
    if fallen or not named:
        raise InputError("PATH_AUTHORITY_NOT_GRANTED", authority=fallen[0].name if fallen else "–", at=moment)
    for authority in trust.authorities:  # it is a key that falls, not a certificate
        since = authority.compromised_since
        if since is not None and since <= moment and _key(authority) in keys:
            raise InputError("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since)
    return named[0]


def _struck(trust: Trust, path: CertificatePath, moment: int) -> list[Authority]:
    """Authorities on the way that are listed, and no longer granted under any of their certificates."""
    found: list[Authority] = []
    for key in (read_certificate(der).spki for der in path.certificates[1:-1]):
        listed = [a for a in trust.authorities if a.service == CA and _key(a) == key]
        if listed and not any(a.state_at(moment) == "granted" for a in listed):
            found += listed
    return found


def _key(authority: Authority) -> bytes | None:
    try:
        return read_certificate(authority.certificate).spki
    except InputError:
        return None  # ends no path either
