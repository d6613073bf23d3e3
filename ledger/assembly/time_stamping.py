"""Which time-stamp authorities a data folder asks, and which of them will do for an issuer."""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.manifests import ChainIdentity
from ledger.core.trust import Trust
from ledger.core.trust_lists import Authority
from ledger.crypto.path_rules import TIME_STAMPING
from ledger.crypto.paths import find_paths
from ledger.crypto.timestamps import TimestampToken
from ledger.errors import InputError, ZhengyinError
from ledger.outside.timestamp_client import Accept
from ledger.verification.tokens import INDEPENDENT, TSA, operators_of


def independence(content: Callable[[], Trust], chain: ChainIdentity, issuer: str) -> Accept:
    """Where a policy of the trust file asks for independent time-stamps: passes over an authority whose provider is the
    issuer or runs a node of the chain, as far as the file says. Whoever verifies judges whether a token will do."""

    def accept(token: TimestampToken) -> None:
        try:
            trust = content()
        except ZhengyinError:
            return  # no file yet, so no policy
        if all(policy.token != INDEPENDENT for policy in trust.policies):
            return
        providers = {authority.provider for authority in _authorities(trust, token)}
        if providers and providers <= {issuer, *operators_of(trust, chain)}:
            raise InputError("TIMESTAMP_NOT_INDEPENDENT")

    return accept


def _authorities(trust: Trust, token: TimestampToken) -> list[Authority]:
    """Under which the token is, by what came with it."""
    stamping = [a for a in trust.authorities if a.service == TSA]
    listed = [a for a in stamping if a.certificate == token.certificate]
    if listed:
        return listed
    try:
        paths = find_paths(
            token.certificate, token.certificates, [a.certificate for a in stamping], token.time, TIME_STAMPING
        )
    except ZhengyinError:
        return []
    return [a for a in stamping if any(a.certificate == path.certificates[-1] for path in paths)]
