"""Bundles made by hand: headers, receipt and state tries, seals, certificates and CMS, without any chain
client.

Everything that an attacker could choose is a parameter, so that a test states its attack in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import rlp
from authority_factory import ISSUING, ROOT, STRANGER, Certificate, T, certificate, crl, leaf, renewed, sign, validation
from chain_factory import (
    EMBEDDED,
    EMPTY,
    QBFT,
    RECORDS,
    ChainKind,
    address,
    anchored_log,
    genesis_identity,
    hash_of,
    identity,
    node_key,
    receipts,
    repeated_log,
    seal_header,
    word,
)
from trie import HexaryTrie

from ledger.core.accreditations import Accreditation
from ledger.core.bundles import Anchor, Bundle, Inclusion, StateProof, StatusEntry, ValidationData
from ledger.core.canonical import b64
from ledger.core.disclosures import disclose, make_claims
from ledger.core.hashing import SM3_HASH
from ledger.core.identifiers import make_license_identifier, new_urn, organisation_bytes32
from ledger.core.keys import RecordKey
from ledger.core.manifests import BlockName, Expects, Manifest
from ledger.core.merkle import build_levels, inclusion_path, root_of
from ledger.core.records import FileDigest, Record, Reference
from ledger.core.registries import Kind, Reason, Relation, State, Suite
from ledger.core.trust import Trust
from ledger.core.trust_lists import (
    Authority,
    CompromisedSigner,
    CouncilKey,
    DatedState,
    Policy,
    Recognition,
)
from ledger.core.trusted_chains import TrustedChain, Validator
from ledger.proofs.keccak import keccak
from ledger.proofs.records_layout import RETIRED_SLOT, batch_slot, court_slot, history_slot, history_step, status_slot
from ledger.verification.facts import Facts

NOW = T + 100
HEX = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FILE = FileDigest(11, b"\x01" * 32, b"\x02" * 32)
CLAIMS = {"name": "张三", "level": 3, "note": None}


def make_uscc(body: str) -> str:
    """A credit code from the 16 characters before the two check characters."""
    total = sum(w * int(c, 36) for w, c in zip((3, 7, 9, 10, 5, 8, 4, 2), body[8:16], strict=True))
    body += "0123456789X"[-total % 11]
    return body + HEX[-sum(pow(3, i, 31) * HEX.index(c) for i, c in enumerate(body)) % 31]


OFFICE_A, OFFICE_B = make_uscc("1133010000000001"), make_uscc("1133010000000019")
DEFINER = make_uscc("1110000000000027")
OPERATORS = (OFFICE_A, OFFICE_B, DEFINER, make_uscc("1133010000000035"))


# ---- records and batches
# --------------------------------------------------------------------------------------------


def make_record(secret: bytes = b"\x05" * 32, values: dict[str, Any] | None = None, **changes: Any) -> Record:
    key, values = RecordKey(secret), CLAIMS if values is None else values
    suite = changes.get("suite", Suite.INTL)
    made: dict[str, Any] = {
        "kind": Kind.LICENSE,
        "id": make_license_identifier(DEFINER + "001", OFFICE_A, "20270001"),
        "issuer": OFFICE_A,
        "type": "business-license",
        "issued": T - 500,
        "origin": "issued",
        "valid_from": "2027-01-01",
        "valid_until": "2027-12-31",
        "files": (FILE,),
        "claims": make_claims(key, values, suite),
        "refs": (),
        "salt": key.salts(values, suite)[0],
    }
    return Record(**{**made, **changes})


def make_accreditation(**changes: Any) -> Accreditation:
    made = Accreditation(OFFICE_A, Kind.LICENSE, "CN-ZJ", ("business-license", "food-license"), "浙政〔2026〕1 号")
    return replace(made, **changes)


@dataclass(frozen=True)
class Issue:
    """One batch with one record of interest, and every lie an attacker may tell about it."""

    record: Record
    secret: bytes = b"\x05" * 32
    values: dict[str, Any] | None = None
    chain: ChainKind = EMBEDDED
    office: str = "A"
    others: int = 4
    block: int = 12
    time: int = T
    after_block: int = 10
    after_time: int = T - 60
    accreditation: Accreditation | None = None
    manifest: dict[str, Any] | None = None
    event: dict[str, Any] | None = None
    extra_logs: tuple[Any, ...] = ()
    without_event: bool = False
    repeated: bool = False
    receipt_status: int = 1
    sealers: tuple[int, ...] | None = None
    validation: ValidationData | None = None
    signatures: int = 1
    signers: tuple[Certificate, ...] = ()
    in_sm3: Record | None = None
    """What stands at the record's place in the tree by SM3, if it is another."""

    def build(self) -> Bundle:
        levels, path, index = self._tree()
        second = self._sm3_tree()
        after = seal_header(self.after_block, self.after_time, self.chain)
        manifest = self._manifest(root_of(levels), root_of(second) if second else None, after)
        signers = self.signers or [leaf(self.office), leaf("co-signer")][: self.signatures]
        document = self.accreditation
        event = {
            "signers": tuple(s.sha256 for s in signers),
            "accreditation": document.id() if document else bytes(32),
            **(self.event or {}),
        }
        logs = [] if self.without_event else [anchored_log(manifest, **event)]
        logs += [repeated_log(manifest)] if self.repeated else []
        root, proof = receipts([*logs, *self.extra_logs], self.receipt_status)
        header = seal_header(self.block, self.time, self.chain, receipts_root=root, sealers=self.sealers)
        values = CLAIMS if self.values is None else self.values
        return Bundle(
            record=self.record,
            disclosures=disclose(RecordKey(self.secret), values, [n for n in values if n != "note"], self.record.suite),
            inclusion=Inclusion(index, tuple(path), tuple(inclusion_path(second, index)) if second else None),
            manifest=manifest,
            signatures=tuple(sign(manifest.to_bytes(), s) for s in signers),
            validation=self.validation or validation(),
            anchor=Anchor(document, header, 1, proof, after),
            state=None,
        )

    def _tree(self) -> tuple[list[bytes], list[bytes], int]:
        filler = [keccak(bytes([n])) for n in range(self.others)]
        index = min(2, self.others)
        levels = build_levels(b"".join([*filler[:index], self.record.leaf(), *filler[index:]]))
        return levels, inclusion_path(levels, index), index

    def _sm3_tree(self) -> list[bytes]:
        if not self.record.suite.has_sm3:
            return []
        filler = [keccak(bytes([n, 3])) for n in range(self.others)]
        index = min(2, self.others)
        own = (self.in_sm3 or self.record).leaf_sm3()
        return build_levels(b"".join([*filler[:index], own, *filler[index:]]), SM3_HASH)

    def _manifest(self, root: bytes, root_sm3: bytes | None, after: bytes) -> Manifest:
        size = self.others + 1
        made: dict[str, Any] = {
            "issuer": self.record.issuer,
            "kind": self.record.kind,
            "suite": self.record.suite,
            "root": root,
            "root_sm3": root_sm3,
            "size": size,
            "counts": ((self.record.type, size),),
            "closed": self.time - 30,
            "after": BlockName(self.after_block, hash_of(after, self.chain)),
            "chain": identity(),
            "expects": Expects(len(self.signers) or self.signatures, False),
        }
        return Manifest(**{**made, **(self.manifest or {})})


def issue(record: Record | None = None, **changes: Any) -> Bundle:
    """A bundle without state; by default an honest license of office A."""
    changes.setdefault("accreditation", make_accreditation())
    return Issue(record or make_record(), **changes).build()


# ---- state -------------------------------------------------------------------------------------------------
# -------------


def pack(members: Sequence[tuple[int, int]]) -> int:
    """(value, bits) from the lowest bits up."""
    total = shift = 0
    for value, bits in members:
        total, shift = total | value << shift, shift + bits
    return total


CODE = keccak(b"runtime code of Records")


def make_state(
    bundle: Bundle,
    entries: Sequence[StatusEntry] = (),
    statements: Sequence[Bundle] = (),
    *,
    chain: ChainKind = EMBEDDED,
    block: int = 20,
    time: int = T + 90,
    of_leaf: bytes | None = None,
    frozen: bool = False,
    retired: bytes = bytes(32),
    code: bytes = CODE,
    contract: bytes = RECORDS,
    batch: dict[str, int] | None = None,
    recorded: Sequence[StatusEntry] | None = None,
    sealers: Sequence[int] | None = None,
    court: str | None = None,
    statement_batch: dict[str, int] | None = None,
    without_batches: bool = False,
    batches_of: dict[bytes, dict[str, int]] | None = None,
) -> StateProof:
    """A state proof over a small world. ``recorded``: what the chain holds, if other than the entries listed;
    ``of_leaf``: prove the status of that leaf instead of the record's; ``court``: who froze it, where that is proved;
    ``statement_batch``: what is otherwise in the batch words of the statements, ``without_batches``: left out,
    ``batches_of``: by the statement's leaf."""
    issuer, own = organisation_bytes32(bundle.record.issuer), bundle.record.leaf()
    proved_leaf = of_leaf or own
    slots = {
        batch_slot(issuer, bundle.manifest.root): _batch_word(bundle, batch or {}),
        RETIRED_SLOT: int.from_bytes(retired, "big"),
        **_status_slots(issuer, proved_leaf, entries if recorded is None else recorded, frozen),
    }
    beside = {batch_slot(organisation_bytes32(s.manifest.issuer), s.manifest.root): s for s in statements}
    own_words = batches_of or {}
    slots |= {t: _batch_word(s, own_words.get(s.record.leaf(), statement_batch or {})) for t, s in beside.items()}
    if court is not None:
        slots[court_slot(issuer, own)] = int.from_bytes(organisation_bytes32(court), "big")
    storage = HexaryTrie({})
    for filler in range(20):
        storage[keccak(b"slot" + bytes([filler]))] = rlp.encode(filler + 1)
    for slot, value in slots.items():
        if value:
            storage[keccak(slot)] = rlp.encode(value)
    accounts = HexaryTrie({})
    for filler in range(20):
        accounts[keccak(b"account" + bytes([filler]))] = rlp.encode([filler, 0, EMPTY, keccak(b"")])
    accounts[keccak(contract)] = rlp.encode([1, 0, storage.root_hash, code])
    read = [batch_slot(issuer, bundle.manifest.root), status_slot(issuer, proved_leaf),
            history_slot(issuer, proved_leaf), RETIRED_SLOT,
            *([] if without_batches else beside), *([court_slot(issuer, own)] if court else [])]  # fmt: skip
    nodes = {rlp.encode(n) for n in accounts.get_proof(keccak(contract))}
    nodes |= {rlp.encode(n) for slot in read for n in storage.get_proof(keccak(slot))}
    # Nodes of less than 32 bytes lie inside their parent and are not proof nodes of their own.
    kept = sorted(n for n in nodes if len(n) >= 32)
    header = seal_header(block, time, chain, state_root=accounts.root_hash, sealers=sealers)
    return StateProof(header, tuple(kept), tuple(entries), tuple(statements))


def _batch_word(bundle: Bundle, changes: dict[str, int]) -> int:
    made = {"sequence": 7, "time": T, "kind": bundle.manifest.kind.value, "suite": bundle.manifest.suite.value,
            "size": bundle.manifest.size, "disowned": 0, **changes}  # fmt: skip
    return pack(list(zip(made.values(), (64, 40, 16, 8, 32, 8), strict=True)))


def _status_slots(issuer: bytes, own: bytes, entries: Sequence[StatusEntry], frozen: bool) -> dict[bytes, int]:
    history = bytes(32)
    for e in entries:
        history = history_step(
            history, organisation_bytes32(e.actor), e.state, e.effective, e.recorded, e.reason, e.statement
        )
    last = entries[-1] if entries else StatusEntry(OFFICE_A, State.ACTIVE, 0, 0, Reason.UNSPECIFIED, bytes(32))
    members = [(last.state, 8), (frozen, 8), (last.effective, 40), (last.recorded, 40), (last.reason, 8)]
    packed = pack([*((int(v), bits) for v, bits in members), (len(entries), 32)])
    return {status_slot(issuer, own): packed, history_slot(issuer, own): int.from_bytes(history, "big")}


def make_statement(target: Record, state: State, effective: int, reason: Reason, **changes: Any) -> Bundle:
    """A signed, anchored decision of office A. ``says``: claims it makes instead of the honest ones."""
    says = {
        "state": state.word,
        "effective": effective,
        "reason": reason.word,
        "successor": b64(b"\x09" * 32) if state is State.SUPERSEDED else None,
        "decision": "杭市监决〔2027〕1 号",
        **changes.pop("says", {}),
    }
    secret = changes.pop("secret", bytes([state.value + 20, reason.value]) * 16)
    refs = changes.pop("refs", (Reference(Relation.CHANGES_STATUS_OF, target.issuer, target.leaf()),))
    made = {
        "kind": Kind.STATUS, "id": new_urn(secret[:16]), "type": "status", "valid_from": None, "valid_until": None,
        "files": (), "refs": refs, **changes.pop("record", {}),
    }  # fmt: skip
    record = make_record(secret, says, **made)
    defaults: dict[str, Any] = {"accreditation": None, "block": 14, "time": T + 20, "others": 0}
    return Issue(record, **{"secret": secret, "values": says, **defaults, **changes}).build()


def entry_for(statement: Bundle | None, state: State, effective: int, reason: Reason, **changes: Any) -> StatusEntry:
    own = statement.record.leaf() if statement else bytes(32)
    return replace(StatusEntry(OFFICE_A, state, effective, T + 40, reason, own), **changes)


def changed(
    bundle: Bundle, state: State, effective: int = T + 30, reason: Reason = Reason.CANCELLED, **changes: Any
) -> Bundle:
    """``bundle`` stapled with one change of status and its statement."""
    statement = make_statement(bundle.record, state, effective, reason)
    entry = entry_for(statement, state, effective, reason)
    return replace(bundle, state=make_state(bundle, [entry], [statement], **changes))


def stapled(bundle: Bundle | None = None, **changes: Any) -> Bundle:
    """An honest bundle with a fresh state, or ``bundle`` with the state described."""
    base = bundle or issue()
    return replace(base, state=make_state(base, **changes))


# ---- trust and facts
# --------------------------------------------------------------------------------------------------


def make_policy(**changes: Any) -> Policy:
    return replace(Policy("CN", "single", "optional", "provisional", 2), **changes)


def make_chain(chain: ChainKind = EMBEDDED, **changes: Any) -> TrustedChain:
    operators = [Validator(a, o, 0, None) for a, o in zip(chain.addresses, OPERATORS, strict=False)]
    made = TrustedChain(identity(), b"\x0c" * 20, b"\x0d" * 20, CODE, chain.consensus, tuple(operators), (), None)
    return replace(made, **changes)


def make_authority(name: str = ROOT, **changes: Any) -> Authority:
    made = Authority(name, certificate(name).der, (DatedState("granted", T - 10**6),), None)
    return replace(made, **changes)


def make_recognition(kind: Kind, **changes: Any) -> Recognition:
    made = Recognition("CN", certificate(ROOT).sha256, kind.word, 3, T - 10**6, None, "工信部名单")
    return replace(made, **changes)


def make_trust(chain: ChainKind = EMBEDDED, **changes: Any) -> Trust:
    made: dict[str, Any] = {
        "version": 1,
        "issued": T - 1000,
        "expires": T + 10**7,
        "keys": (CouncilKey("k1", "Ed25519", b"spki"),),
        "threshold": 1,
        "chains": (make_chain(chain),),
        "authorities": (make_authority(),),
        "recognitions": (make_recognition(Kind.LICENSE), make_recognition(Kind.STATUS)),
        "policies": (make_policy(),),
        "compromised_signers": (),
    }
    return Trust(**{**made, **changes})


def facts(bundle: Bundle | bytes, **changes: Any) -> Facts:
    data = bundle if isinstance(bundle, bytes) else bundle.to_bytes()
    made: dict[str, Any] = {"documents": (FILE,), "trust": make_trust(), "now": NOW, **changes}
    return Facts(data, **made)


__all__ = [
    "EMBEDDED", "EMPTY", "ISSUING", "QBFT", "RECORDS", "ROOT", "STRANGER", "Certificate", "ChainKind",
    "CompromisedSigner", "Expects", "Reason", "Reference", "T", "address", "anchored_log", "b64", "certificate",
    "crl", "genesis_identity", "hash_of", "identity", "leaf", "node_key", "receipts", "renewed", "repeated_log",
    "seal_header", "sign", "validation", "word",
]  # fmt: skip
