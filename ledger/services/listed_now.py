"""Asking the ledger's own chain for its trust list: what a node tells of it, with the slots that prove it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from ledger.core.manifests import ChainIdentity
from ledger.core.trust import Trust
from ledger.core.trust_services import IDENTITY, TrustListProof
from ledger.errors import InputError, UnavailableError
from ledger.ports import Chain
from ledger.proofs import headers
from ledger.verification.blocks import find_chain
from ledger.verification.listed import ListOnChain, prove_now, wanted_slots
from ledger.verification.policies import TOLERANCES

LIST_AGE = 60
"""Seconds: the embedded engine, whose head is always the newest state, seals a block for a login when it is older."""


def list_proof(
    chain: Chain, header: bytes, trust: Trust, purposes: Container[str], certificates: Iterable[bytes]
) -> TrustListProof | None:
    """What the chain's trust list says as of ``header``, proved for all that the trust file names for these purposes,
    and for ``certificates`` (DER); ``None`` where the ledger has no list.

    Raises UnavailableError CHAIN_…, ENGINE_….
    """
    told = chain.trust_list(headers.parse_header(header).number)
    if told is None:
        return None
    pin, nodes = chain.trust_list_proof(header, wanted_slots(trust, purposes, certificates, told))
    return TrustListProof(chain.identity, pin, header, tuple(nodes), told)


@dataclass(frozen=True, slots=True)
class ListedNow:
    """The list as a login asks for it. ``identity``: of the ledger's chain; ``chain``: ``None`` where the ledger has no
    list."""

    identity: ChainIdentity
    chain: Callable[[], Chain] | None

    def __call__(self, trust: Trust, certificates: Sequence[bytes], now: int) -> ListOnChain | None:
        """The list as of ``now`` (seconds UTC), proved for ``certificates`` (DER) as well; ``None``: there is none.

        Raises UnavailableError ``LOGIN_UNDECIDED`` where it is not proved: with the code of what is missing.
        """
        pinned = find_chain(trust, self.identity)
        if self.chain is None:
            if pinned is not None and pinned.trust_list is not None:
                raise UnavailableError("LOGIN_UNDECIDED", cause="TRUST_LIST_NONE")
            return None
        if pinned is None:
            raise UnavailableError("LOGIN_UNDECIDED", cause="FINALITY_CHAIN_UNKNOWN")
        try:
            chain = self.chain()
            offered = list_proof(chain, chain.state_header(LIST_AGE), trust, (IDENTITY,), certificates)
        except (InputError, UnavailableError) as error:  # silence or nonsense of a node: both prove nothing
            raise UnavailableError("LOGIN_UNDECIDED", cause=error.code) from error
        if offered is None:
            raise UnavailableError("LOGIN_UNDECIDED", cause="TRUST_LIST_NONE")
        listed = prove_now(pinned, offered, now, TOLERANCES.freshness)
        if isinstance(listed, ListOnChain):
            return listed
        raise UnavailableError("LOGIN_UNDECIDED", cause=listed.code)
