"""Making trust files: the first at founding, later versions from the one in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography import x509

from ledger.assembly.app import App
from ledger.assembly.chains import pinned_validators
from ledger.assembly.founding_trust import LEVEL, PURPOSES, REFERENCE
from ledger.core.manifests import BlockName
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_lists import CA, Authority, CouncilKey, DatedState, Policy, Recognition
from ledger.core.trust_services import TrustListProof
from ledger.core.trusted_chains import UNSEALED, TrustedChain, TrustListPin
from ledger.crypto.certificates import fingerprint
from ledger.crypto.trust_signatures import sign_trust
from ledger.errors import ConfigError, InputError, IntegrityError
from ledger.proofs.headers import parse_header
from ledger.services.trust_merging import merged
from ledger.verification.blocks import find_chain
from ledger.verification.listed import every_slot, prove_list, require_told

DAY = 86_400


def first_trust(
    app: App,
    jurisdictions: Sequence[str],
    council: Sequence[str],
    threshold: int,
    recognised: Mapping[str, Sequence[str]] = {},
) -> TrustFile:
    """Version 1, signed by every council key that lies here. ``council``: members' organisations; ``recognised``: by
    name of an authority, who recognises it where not all jurisdictions do."""
    now = int(app.clock())
    listed = [app.keys.council(*key)[0] for key in _council_keys(app, council)]
    authorities = _authorities(app, now)
    recognitions = _recognitions(authorities, jurisdictions, now)
    limited = {fingerprint(a.certificate): recognised[a.name] for a in authorities if a.name in recognised}
    content = Trust(
        version=1,
        issued=now,
        expires=now + app.settings.trust_days * DAY,
        keys=tuple(sorted(listed, key=lambda k: k.id)),
        threshold=threshold,
        chains=(_chain(app),),
        authorities=authorities,
        recognitions=tuple(r for r in recognitions if r.jurisdiction in limited.get(r.authority, (r.jurisdiction,))),
        policies=tuple(Policy(j, "single", "optional", "provisional", 1) for j in jurisdictions),
        compromised_signers=(),
    )
    return sign(app, with_listed(app, content), council)


def renewed_trust(app: App, jurisdictions: Sequence[str] = ()) -> TrustFile:
    """The next version: new dates, a checkpoint at the newest final block, any new jurisdiction or authority, and what
    the trust list on chain adds or shortens."""
    now, old = int(app.clock()), app.trust.content()
    head, _ = app.chain.head()
    known = {p.jurisdiction for p in old.policies}
    fresh = [j for j in jurisdictions if j not in known]
    listed = {a.certificate for a in old.authorities}
    added = tuple(a for a in _authorities(app, now) if a.certificate not in listed)
    authorities = old.authorities + added
    chains = tuple(_at_head(app, c, head) if c.identity == app.chain.identity else c for c in old.chains)
    content = replace(
        old,
        version=old.version + 1,
        issued=now,
        expires=now + app.settings.trust_days * DAY,
        chains=chains,
        authorities=authorities,
        recognitions=old.recognitions
        + _recognitions(authorities, fresh, now)
        + _recognitions(added, sorted(known), now),
        policies=old.policies + tuple(Policy(j, "single", "optional", "provisional", 1) for j in fresh),
    )
    return sign(app, with_listed(app, content), None)


def _at_head(app: App, chain: TrustedChain, head: BlockName) -> TrustedChain:
    checkpoints = chain.checkpoints if head in chain.checkpoints else (*chain.checkpoints, head)
    return replace(chain, checkpoints=checkpoints, trust_list=_trust_list(app))


def with_listed(app: App, content: Trust) -> Trust:
    """The content with what the trust list on chain adds or shortens, proved: keys that lie here will sign it. As it is
    where the ledger has no such list.

    Raises:
        UnavailableError: CHAIN_…, ENGINE_…. IntegrityError: TRUST_LIST_UNPROVED.
    """
    header = app.chain.state_header(None)
    snapshot = app.chain.trust_list(parse_header(header).number)
    if snapshot is None:
        return content
    pin, nodes = app.chain.trust_list_proof(header, every_slot(content, snapshot))
    offered = TrustListProof(app.chain.identity, pin, header, tuple(nodes), snapshot)
    chain = find_chain(content, app.chain.identity)
    if chain is None:
        raise IntegrityError("TRUST_LIST_UNPROVED", cause="FINALITY_CHAIN_UNKNOWN")
    try:
        if app.chain.consensus != UNSEALED:  # whose blocks nobody vouches for
            require_told(prove_list(chain, offered)[0], snapshot, content)
    except InputError as error:
        raise IntegrityError("TRUST_LIST_UNPROVED", cause=error.code) from error
    with app.store.read() as unit:
        return merged(content, snapshot, unit.chain.document)


def _trust_list(app: App) -> TrustListPin | None:
    """Where the trust list stands, and its code, which the chain's was compared with."""
    contracts = app.chain_file.contracts
    return None if contracts.trust_list is None else contracts.trust_list_pin()


def sign(app: App, content: Trust, council: Sequence[str] | None) -> TrustFile:
    """Sign with every council key of the content that lies here. Where these are fewer than the threshold, the file
    is not good yet: the other members add theirs (``trust sign``), and only then it can be installed.

    Raises:
        ConfigError: TRUST_NO_KEYS when no key of the content lies here.
    """
    listed: dict[str, CouncilKey] = {k.id: k for k in content.keys}
    signatures = []
    for held in _council_keys(app, council):
        key, private = app.keys.council(*held)
        if listed.get(key.id) == key:
            signatures.append(sign_trust(content, key.id, private))
    if not signatures:
        raise ConfigError("TRUST_NO_KEYS", threshold=content.threshold)
    return TrustFile(content, tuple(sorted(signatures, key=lambda s: s.key)))


def _council_keys(app: App, council: Sequence[str] | None) -> list[tuple[str, str]]:
    return [held for held in app.keys.held("council") if council is None or held[0] in council]


def _chain(app: App) -> TrustedChain:
    file, head = app.chain_file, app.chain.head()[0]
    return TrustedChain(
        identity=file.identity,
        council=file.contracts.council,
        consortium=file.contracts.consortium,
        records_code=app.chain.records_code(),
        consensus=file.consensus,
        validators=pinned_validators(app),
        checkpoints=(head,),
        successor=None,
        trust_list=_trust_list(app),
    )


def _authorities(app: App, now: int) -> tuple[Authority, ...]:
    """Roots of the certification authorities whose material lies here, by certificate."""
    found = []
    for folder in app.home.authority_folders():
        root = app.home.authority_root(folder.name)
        # granted from the root's own beginning: an office may have signed before the council listed its CA
        since = min(now, int(x509.load_der_x509_certificate(root).not_valid_before_utc.timestamp()))
        found.append(Authority(folder.name, root, (DatedState("granted", since),), None))
    return tuple(found)


def _recognitions(authorities: Sequence[Authority], jurisdictions: Sequence[str], now: int) -> tuple[Recognition, ...]:
    return tuple(
        Recognition(j, fingerprint(a.certificate), purpose, LEVEL, a.states[0].since, None, REFERENCE)
        for j in jurisdictions
        for a in authorities
        if a.service == CA  # nobody signs a record by a time-stamp authority
        for purpose in PURPOSES
    )
