"""Attacks on the record, its batch, the signature and the chain (steps 0 to 9)."""

from __future__ import annotations

from dataclasses import replace

import bundle_factory as f
from attack_list import OPEN, attack, of

from ledger.core.identifiers import new_urn, organisation_bytes32
from ledger.core.manifests import BlockName
from ledger.core.records import FileDigest
from ledger.core.registries import Kind
from ledger.core.verdicts import Step
from ledger.verification.facts import Facts

# ---- 0 to 4: the record itself
# ----------------------------------------------------------------------------------------


@attack(Step.CONTAINER, "CONTAINER_REFUSED", alone=False)
def a_blank_after_the_bundle() -> Facts:
    return f.facts(f.stapled().to_bytes() + b" ")


@attack(Step.CONTAINER, "CONTAINER_REFUSED", alone=False)
def nothing_at_all() -> Facts:
    return f.facts(b"")


@attack(Step.BYTES, "BYTES_SIZE_DIFFERS")
def bytes_appended_to_the_file() -> Facts:
    return f.facts(f.stapled(), documents=(FileDigest(12, f.FILE.sha256, f.FILE.sm3),))


@attack(Step.BYTES, "BYTES_DIGEST_DIFFERS")
def another_file_of_the_same_length() -> Facts:
    return f.facts(f.stapled(), documents=(f.FILE, FileDigest(11, b"\x03" * 32, f.FILE.sm3)))


@attack(Step.BYTES, "BYTES_DIGEST_DIFFERS")
def a_file_that_collides_in_one_digest_only() -> Facts:
    return f.facts(f.stapled(), documents=(replace(f.FILE, sm3=b"\x03" * 32),))


@attack(Step.BYTES, "BYTES_UNEXPECTED")
def a_file_beside_a_record_without_files() -> Facts:
    return f.facts(of(f.issue(f.make_record(files=()))))


@attack(Step.RECORD, "RECORD_ID_REFUSED")
def a_license_number_with_a_wrong_check_character() -> Facts:
    id_ = f.make_record().id
    wrong = id_[:-1] + ("0" if id_[-1] != "0" else "1")
    return f.facts(of(f.issue(f.make_record(id=wrong))))


@attack(Step.RECORD, "RECORD_VALIDITY_ORDER", alone=False)
def a_validity_that_ends_before_it_begins() -> Facts:
    return f.facts(of(f.issue(f.make_record(valid_from="2027-06-01", valid_until="2027-02-01"))))


@attack(Step.DISCLOSURES, "DISCLOSURE_DIFFERS")
def a_changed_name() -> Facts:
    bundle = f.stapled()
    shown = tuple(replace(d, value="李四") if d.name == "name" else d for d in bundle.disclosures)
    return f.facts(replace(bundle, disclosures=shown))


@attack(Step.DISCLOSURES, "DISCLOSURE_NOT_CLAIMED")
def a_claim_the_record_never_made() -> Facts:
    bundle = f.stapled()
    shown = tuple(replace(d, name="owner") if d.name == "name" else d for d in bundle.disclosures)
    return f.facts(replace(bundle, disclosures=tuple(sorted(shown, key=lambda d: d.name))))


@attack(Step.INCLUSION, "INCLUSION_ROOT_DIFFERS")
def a_record_that_is_not_in_the_batch() -> Facts:
    forged = replace(f.issue(), record=f.make_record(valid_until="2037-12-31"))
    return f.facts(of(forged))


@attack(Step.INCLUSION, "INCLUSION_PATH_REFUSED")
def an_index_beyond_the_batch() -> Facts:
    bundle = f.stapled()
    return f.facts(replace(bundle, inclusion=replace(bundle.inclusion, index=5)))


# ---- 5: binding, one a pair
# -------------------------------------------------------------------------------------------


@attack(Step.BINDING, "BINDING_ISSUER_MANIFEST")
def a_record_of_office_b_under_the_manifest_of_a() -> Facts:
    bundle = f.issue(f.make_record(issuer=f.OFFICE_B), manifest={"issuer": f.OFFICE_A})
    return f.facts(of(bundle))


@attack(Step.BINDING, "BINDING_ISSUER_EVENT", alone=False)
def an_event_in_the_name_of_office_b() -> Facts:
    return f.facts(of(f.issue(event={"issuer": organisation_bytes32(f.OFFICE_B)})))


@attack(Step.BINDING, "BINDING_ISSUER_ACCREDITATION", alone=False)
def the_accreditation_of_office_b() -> Facts:
    return f.facts(of(f.issue(accreditation=f.make_accreditation(organisation=f.OFFICE_B))))


@attack(Step.BINDING, "BINDING_KIND_MANIFEST")
def a_consent_in_a_batch_of_licenses() -> Facts:
    record = f.make_record(kind=Kind.CONSENT, id=new_urn(b"\x01" * 16))
    trust = f.make_trust(recognitions=(f.make_recognition(Kind.CONSENT), f.make_recognition(Kind.LICENSE)))
    return f.facts(of(f.issue(record, manifest={"kind": Kind.LICENSE})), trust=trust)


@attack(Step.BINDING, "BINDING_KIND_EVENT", alone=False)
def a_batch_anchored_as_exchange_receipts() -> Facts:
    return f.facts(of(f.issue(event={"kind": Kind.EXCHANGE_RECEIPT.value})))


@attack(Step.BINDING, "BINDING_KIND_ACCREDITATION", alone=False)
def an_accreditation_for_another_kind() -> Facts:
    return f.facts(of(f.issue(accreditation=f.make_accreditation(kind=Kind.CONSENT))))


@attack(Step.BINDING, "BINDING_TYPE_MANIFEST")
def a_type_the_manifest_does_not_count() -> Facts:
    return f.facts(of(f.issue(manifest={"counts": (("food-license", 5),)})))


@attack(Step.BINDING, "BINDING_TYPE_ACCREDITATION", alone=False)
def a_type_outside_the_accreditation() -> Facts:
    return f.facts(of(f.issue(f.make_record(type="deed"))))


@attack(Step.BINDING, "BINDING_CHAIN_UNKNOWN", OPEN, alone=False)
def a_training_chain_with_the_same_number_and_address() -> Facts:
    return f.facts(of(f.issue(manifest={"chain": f.identity(genesis=b"\x66" * 32)})))


@attack(Step.BINDING, "BINDING_MANIFEST_EVENT")
def another_manifest_over_the_same_root() -> Facts:
    return f.facts(of(f.issue(event={"manifest_sha256": b"\x01" * 32})))


@attack(Step.BINDING, "BINDING_SM3_EVENT")
def a_stray_sm3_digest() -> Facts:
    return f.facts(of(f.issue(event={"manifest_sm3": b"\x01" * 32})))


@attack(Step.BINDING, "BINDING_ROOT_EVENT")
def the_event_of_another_batch() -> Facts:
    return f.facts(of(f.issue(event={"root": b"\x01" * 32})))


@attack(Step.BINDING, "BINDING_SIZE_EVENT")
def the_same_root_with_another_size() -> Facts:
    return f.facts(of(f.issue(event={"size": 9}), batch={"size": 9}))


@attack(Step.BINDING, "BINDING_SUITE_EVENT", alone=False)
def another_suite_on_chain() -> Facts:
    return f.facts(of(f.issue(event={"suite": 3})))


@attack(Step.BINDING, "BINDING_SIGNERS_EVENT", alone=False)
def the_certificate_of_office_b() -> Facts:
    return f.facts(of(f.issue(office="B", event={"signers": (f.leaf("A").sha256,)})))


@attack(Step.BINDING, "BINDING_SIGNERS_EVENT")
def a_second_signer_on_chain_who_did_not_sign() -> Facts:
    both = (f.leaf("A").sha256, f.leaf("B").sha256)
    return f.facts(of(f.issue(event={"signers": both})))


# ---- 6 to 9: signature, chain, time
# -----------------------------------------------------------------------------------


@attack(Step.SIGNATURE, "SIGNATURE_REFUSED", alone=False)
def a_signature_over_another_manifest() -> Facts:
    bundle = f.stapled()
    return f.facts(replace(bundle, signatures=(f.sign(b"another", f.leaf("A")),)))


@attack(Step.SIGNATURE, "SIGNATURE_MISSING", OPEN, alone=False)
def no_signature() -> Facts:
    return f.facts(replace(f.stapled(), signatures=()))


@attack(Step.SIGNATURE, "SIGNATURE_MISSING", OPEN)
def one_of_two_signatures_taken_away() -> Facts:
    bundle = f.stapled(f.issue(signatures=2))
    return f.facts(replace(bundle, signatures=bundle.signatures[:1]))


@attack(Step.SIGNATURE, "SIGNATURE_REPEATED")
def one_certificate_for_two_signatures() -> Facts:
    own = f.leaf("A")
    bundle = f.stapled(f.issue(signatures=2, event={"signers": (own.sha256,)}))
    content = bundle.manifest.to_bytes()
    return f.facts(replace(bundle, signatures=(f.sign(content, own), f.sign(content, own, f.T - 10))))


@attack(Step.SIGNATURE, "SIGNATURE_SURPLUS", alone=False)
def a_signature_too_many() -> Facts:
    bundle = f.stapled()
    more = (*bundle.signatures, f.sign(bundle.manifest.to_bytes(), f.leaf("B")))
    return f.facts(replace(bundle, signatures=more))


@attack(Step.FINALITY, "FINALITY_NOT_SEALED", alone=False)
def a_block_sealed_by_a_stranger() -> Facts:
    return f.facts(of(f.issue(sealers=(9,))))


@attack(Step.FINALITY, "FINALITY_NOT_SEALED", alone=False)
def too_few_seals() -> Facts:
    bundle = f.issue(chain=f.QBFT, sealers=(0, 1))
    return f.facts(of(bundle, chain=f.QBFT), trust=f.make_trust(f.QBFT))


@attack(Step.FINALITY, "FINALITY_NOT_SEALED", alone=False)
def one_validator_sealing_three_times() -> Facts:
    bundle = f.issue(chain=f.QBFT, sealers=(0, 0, 0))
    return f.facts(of(bundle, chain=f.QBFT), trust=f.make_trust(f.QBFT))


@attack(Step.FINALITY, "FINALITY_NOT_SEALED", OPEN, alone=False)
def the_key_of_a_validator_retired_before_the_block() -> Facts:
    chain = f.make_chain()
    retired = replace(chain, validators=(replace(chain.validators[0], until_block=11),))
    return f.facts(f.stapled(), trust=f.make_trust(chains=(retired,)))


@attack(Step.FINALITY, "FINALITY_CHECKPOINT_DIFFERS", alone=False)
def another_history_behind_a_checkpoint() -> Facts:
    chain = f.make_chain(checkpoints=(BlockName(12, b"\x01" * 32),))
    return f.facts(f.stapled(), trust=f.make_trust(chains=(chain,)))


@attack(Step.FINALITY, "FINALITY_AFTER_DIFFERS")
def an_after_block_that_was_not_signed() -> Facts:
    bundle = f.stapled()
    return f.facts(replace(bundle, anchor=replace(bundle.anchor, after=f.seal_header(9, f.T - 70))))


@attack(Step.FINALITY, "FINALITY_AFTER_NOT_BEFORE")
def an_after_block_later_than_the_anchor() -> Facts:
    return f.facts(of(f.issue(after_block=13)))


@attack(Step.FINALITY, "FINALITY_HEADER_REFUSED", alone=False)
def a_header_that_is_none() -> Facts:
    bundle = f.stapled()
    return f.facts(replace(bundle, anchor=replace(bundle.anchor, header=b"\xc0")))


@attack(Step.FINALITY, "FINALITY_SINGLE", OPEN, alone=False)
def one_operator_where_the_court_wants_several() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(policies=(f.make_policy(finality="bft"),)))


@attack(Step.FINALITY, "FINALITY_SINGLE", OPEN, alone=False)
def four_nodes_of_two_operators_where_the_court_wants_several() -> Facts:
    chain = f.make_chain(f.QBFT)
    validators = tuple(replace(v, organisation=f.OPERATORS[n % 2]) for n, v in enumerate(chain.validators))
    trust = f.make_trust(chains=(replace(chain, validators=validators),), policies=(f.make_policy(finality="bft"),))
    return f.facts(of(f.issue(chain=f.QBFT), chain=f.QBFT), trust=trust)


@attack(Step.FINALITY, "TRUST_FILE_EXPIRED", OPEN)
def an_old_trust_file() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(expires=f.NOW - 1))


@attack(Step.FINALITY, "POLICY_UNKNOWN", OPEN)
def a_jurisdiction_without_a_policy() -> Facts:
    trust = f.make_trust(recognitions=(f.make_recognition(Kind.LICENSE, jurisdiction="FR"),))
    return f.facts(f.stapled(), trust=trust, jurisdiction="FR")


@attack(Step.ANCHOR, "ANCHOR_RECEIPT_REFUSED", alone=False)
def the_receipt_of_a_transaction_that_failed() -> Facts:
    return f.facts(of(f.issue(receipt_status=0)))


@attack(Step.ANCHOR, "ANCHOR_RECEIPT_REFUSED", OPEN, alone=False)
def the_receipt_of_another_block() -> Facts:
    bundle = f.stapled()
    other = f.issue(f.make_record(b"\x06" * 32), secret=b"\x06" * 32)
    return f.facts(replace(bundle, anchor=replace(bundle.anchor, receipt=other.anchor.receipt)))


@attack(Step.ANCHOR, "ANCHOR_EVENT_ABSENT", alone=False)
def the_event_of_another_contract() -> Facts:
    return f.facts(of(f.issue(event={"address": b"\x0e" * 20})))


@attack(Step.ANCHOR, "ANCHOR_ONLY_REPEATED", alone=False)
def a_batch_that_was_merely_offered_again() -> Facts:
    return f.facts(of(f.issue(without_event=True, repeated=True)))


@attack(Step.ANCHOR, "ANCHOR_EVENT_AMBIGUOUS", alone=False)
def two_events_of_one_batch() -> Facts:
    document, honest = f.make_accreditation(), f.issue()
    signers = (f.leaf("A").sha256,)
    log = f.anchored_log(honest.manifest, signers=signers, accreditation=document.id(), sequence=8)
    return f.facts(of(f.issue(extra_logs=(log,))))


@attack(Step.TIME, "TIME_IN_FUTURE", OPEN)
def an_anchor_in_the_future() -> Facts:
    return f.facts(f.stapled(time=f.T - 1000), now=f.T - 1000, as_of_bundle=True)


@attack(Step.TIME, "TIME_ORDER")
def a_block_later_than_its_successor() -> Facts:
    return f.facts(of(f.issue(after_time=f.T + 1000)))


@attack(Step.TIME, "TIME_TOKEN_REQUIRED", OPEN)
def no_token_where_the_policy_wants_one() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(policies=(f.make_policy(token="required"),)))


@attack(Step.TIME, "TIME_TOKEN_MISSING", OPEN)
def a_token_that_was_promised() -> Facts:
    return f.facts(of(f.issue(manifest={"expects": f.Expects(1, True)})))
