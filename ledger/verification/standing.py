"""Does a certificate path count here and now: what the trust file says of the authority in which it ends, and of every
key on the way.

For decisions of this moment, where nothing was signed in the past; records are judged by steps 10 and 12.
"""

from __future__ import annotations

from ledger.core.trust import Trust
from ledger.core.trust_lists import CA, Authority, Recognition
from ledger.crypto.certificates import fingerprint
from ledger.crypto.paths import CertificatePath
from ledger.errors import InputError
from ledger.verification.authority_keys import compromised, struck
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
    named = [a for a in trust.authorities if a.service == CA and fingerprint(a.certificate) == path.anchor_sha256]
    fallen = [a for a in named if a.state_at(moment) != "granted"]
    fallen += struck(trust.authorities, (CA,), path.certificates[1:-1], moment)
    if fallen or not named:
        raise InputError("PATH_AUTHORITY_NOT_GRANTED", authority=fallen[0].name if fallen else "–", at=moment)
    for authority, since in compromised(trust.authorities, path.certificates[1:]):
        if since <= moment:
            raise InputError("PATH_AUTHORITY_COMPROMISED", authority=authority.name, since=since)
    return named[0]
