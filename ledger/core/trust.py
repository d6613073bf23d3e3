"""The trust file: what a verifier brings along by another road than the chain. FORMATS, "Trust file".

The content is signed by a threshold of the council's offline keys. Version n+1 is signed by thresholds of n and of
n+1 (the rule of TUF root metadata), so an old file cannot come back and one operator cannot hand out another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from ledger.core import canonical, shapes
from ledger.core.canonical import b64
from ledger.core.trust_lists import (
    KEY_ID,
    Authority,
    CompromisedSigner,
    CouncilKey,
    Policy,
    Recognition,
)
from ledger.core.trusted_chains import TrustedChain

CONTENT_TAGS = {1: "zhengyin/trust/1", 2: "zhengyin/trust/2"}
"""By form. Old files are read with defaults for what they cannot say, and stay in the form they were signed in."""
FORM = max(CONTENT_TAGS)
FILE_TAG = "zhengyin/trustFile/1"
TRUST_LIMITS = canonical.Limits(4 << 20, 12)


@dataclass(frozen=True, slots=True)
class Trust:
    """The signed content. ``issued``/``expires``: seconds UTC; ``form``: of the writing, not of the content."""

    version: int
    issued: int
    expires: int
    keys: tuple[CouncilKey, ...]
    threshold: int
    chains: tuple[TrustedChain, ...]
    authorities: tuple[Authority, ...]
    recognitions: tuple[Recognition, ...]
    policies: tuple[Policy, ...]
    compromised_signers: tuple[CompromisedSigner, ...]
    form: int = FORM

    def to_json(self) -> dict[str, Any]:
        return {
            "tag": CONTENT_TAGS[self.form],
            "version": self.version,
            "issued": self.issued,
            "expires": self.expires,
            "keys": [k.to_json() for k in self.keys],
            "threshold": self.threshold,
            "chains": [c.to_json(self.form) for c in self.chains],
            "authorities": [a.to_json(self.form) for a in self.authorities],
            "recognitions": [r.to_json() for r in self.recognitions],
            "policies": [p.to_json() for p in self.policies],
            "compromisedSigners": [s.to_json() for s in self.compromised_signers],
        }

    def to_bytes(self) -> bytes:
        return canonical.encode(self.to_json(), TRUST_LIMITS)

    def fingerprint(self) -> bytes:
        """SHA-256 of the content: what is compared with the printed gazette."""
        return hashlib.sha256(self.to_bytes()).digest()

    @classmethod
    def from_json(cls, value: object, path: str = "trust") -> Trust:
        """Strict reading; every list that empties a check must not be empty.

        Raises:
            InputError: SHAPE_…, TRUST_THRESHOLD, TRUST_EXPIRY, TRUST_CHAIN_REPEATED, TRUST_VALIDATORS_OVERLAP,
                TRUST_CHECKPOINT_REPEATED, TRUST_AUTHORITY_REPEATED.
        """
        form = _form(value, path)
        version, issued, expires, keys, threshold, chains, authorities, recognitions, policies, signers = shapes.tagged(
            value,
            path,
            CONTENT_TAGS[form],
            "version",
            "issued",
            "expires",
            "keys",
            "threshold",
            "chains",
            "authorities",
            "recognitions",
            "policies",
            "compromisedSigners",
        )
        found = cls(
            version=shapes.integer(version, f"{path}.version", low=1),
            issued=shapes.integer(issued, f"{path}.issued"),
            expires=shapes.integer(expires, f"{path}.expires"),
            keys=shapes.array(keys, f"{path}.keys", CouncilKey.from_json, low=1, high=64),
            threshold=shapes.integer(threshold, f"{path}.threshold", low=1),
            chains=shapes.array(chains, f"{path}.chains", partial(TrustedChain.from_json, form=form), low=1, high=64),
            authorities=shapes.array(
                authorities, f"{path}.authorities", partial(Authority.from_json, form=form), low=1
            ),
            recognitions=shapes.array(recognitions, f"{path}.recognitions", Recognition.from_json, low=1),
            policies=shapes.array(policies, f"{path}.policies", partial(Policy.from_json, form=form), low=1),
            compromised_signers=shapes.array(signers, f"{path}.compromisedSigners", CompromisedSigner.from_json),
            form=form,
        )
        shapes.ascending(tuple(k.id for k in found.keys), f"{path}.keys")
        if found.threshold > len({k.spki for k in found.keys}):
            shapes.refuse("TRUST_THRESHOLD", path, threshold=found.threshold, keys=len(found.keys))
        if len({c.identity for c in found.chains}) < len(found.chains):
            # only one of them would ever be asked, and which one would be chance
            shapes.refuse("TRUST_CHAIN_REPEATED", f"{path}.chains")
        if form > 1 and len({a.certificate for a in found.authorities}) < len(found.authorities):
            shapes.refuse("TRUST_AUTHORITY_REPEATED", f"{path}.authorities")
        if found.expires <= found.issued:
            shapes.refuse("TRUST_EXPIRY", path)
        return found


def _form(value: object, path: str) -> int:
    tag = value.get("tag") if type(value) is dict else None
    for form, known in CONTENT_TAGS.items():
        if tag == known:
            return form
    return FORM  # whose reading refuses it


@dataclass(frozen=True, slots=True)
class KeySignature:
    key: str
    value: bytes

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "value": b64(self.value)}

    @classmethod
    def from_json(cls, value: object, path: str) -> KeySignature:
        key, signature = shapes.members(value, path, "key", "value")
        return cls(shapes.text(key, f"{path}.key", KEY_ID), shapes.octets(signature, f"{path}.value"))


@dataclass(frozen=True, slots=True)
class TrustFile:
    """The content with detached signatures over its canonical bytes, one a key, ascending by key id."""

    content: Trust
    signatures: tuple[KeySignature, ...]

    def to_bytes(self) -> bytes:
        value = {
            "tag": FILE_TAG,
            "content": self.content.to_json(),
            "signatures": [s.to_json() for s in self.signatures],
        }
        return canonical.encode(value, TRUST_LIMITS)

    @classmethod
    def from_bytes(cls, data: bytes) -> TrustFile:
        content, signatures = shapes.tagged(
            canonical.decode(data, TRUST_LIMITS), "trustFile", FILE_TAG, "content", "signatures"
        )
        found = cls(
            Trust.from_json(content),
            shapes.array(signatures, "trustFile.signatures", KeySignature.from_json, low=1, high=64),
        )
        shapes.ascending(tuple(s.key for s in found.signatures), "trustFile.signatures")
        return found
