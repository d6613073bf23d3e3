"""Making trust files: the first at founding, later versions from the one in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cryptography import x509

from ledger.assembly.app import App
from ledger.assembly.chains import pinned_validators
from ledger.core.registries import Kind
from ledger.core.trust import Trust, TrustFile
from ledger.core.trust_lists import Authority, CouncilKey, DatedState, Policy, Recognition, TrustedChain
from ledger.crypto.certificates import fingerprint
from ledger.crypto.trust_signatures import sign_trust
from ledger.errors import ConfigError

LEVEL = 2
DAY = 86_400


def first_trust(app: App, jurisdictions: Sequence[str], council: Sequence[str], threshold: int) -> TrustFile:
    """Version 1, signed by every council key that lies here. ``council``: members' organisations."""
    now = int(app.clock())
    listed = [app.keys.council(*key)[0] for key in _council_keys(app, council)]
    authorities = _authorities(app, now)
    content = Trust(
        version=1,
        issued=now,
        expires=now + app.settings.trust_days * DAY,
        keys=tuple(sorted(listed, key=lambda k: k.id)),
        threshold=threshold,
        chains=(_chain(app),),
        authorities=authorities,
        recognitions=_recognitions(authorities, jurisdictions, now),
        policies=tuple(Policy(j, "single", "optional", "provisional", 1) for j in jurisdictions),
        compromised_signers=(),
    )
    return sign(app, content, council)


def renewed_trust(app: App, jurisdictions: Sequence[str] = ()) -> TrustFile:
    """The next version: new dates, a checkpoint at the newest final block, and any new jurisdiction or authority."""
    now, old = int(app.clock()), app.trust.content()
    head, _ = app.chain.head()
    known = {p.jurisdiction for p in old.policies}
    fresh = [j for j in jurisdictions if j not in known]
    listed = {a.certificate for a in old.authorities}
    added = tuple(a for a in _authorities(app, now) if a.certificate not in listed)
    authorities = old.authorities + added
    chains = tuple(
        replace(c, checkpoints=(*c.checkpoints, head))
        if c.identity == app.chain.identity and head not in c.checkpoints
        else c
        for c in old.chains
    )
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
    return sign(app, content, None)


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
    )


def _authorities(app: App, now: int) -> tuple[Authority, ...]:
    """Roots of the certification authorities whose material lies here, by certificate."""
    found = []
    for folder in app.home.authority_folders():
        root = (folder / "certificates" / "root.der").read_bytes()
        # granted from the root's own beginning: an office may have signed before the council listed its CA
        since = min(now, int(x509.load_der_x509_certificate(root).not_valid_before_utc.timestamp()))
        found.append(Authority(folder.name, root, (DatedState("granted", since),), None))
    return tuple(found)


def _recognitions(authorities: Sequence[Authority], jurisdictions: Sequence[str], now: int) -> tuple[Recognition, ...]:
    return tuple(
        Recognition(j, fingerprint(a.certificate), kind.word, LEVEL, a.states[0].since, None, "founding")
        for j in jurisdictions
        for a in authorities
        for kind in Kind
        if kind is not Kind.FREEZE
    )
