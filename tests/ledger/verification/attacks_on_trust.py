"""Attacks on certificates, rights, status and validity (steps 10 to 15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bundle_factory as f
from attack_list import OPEN, attack, of

from ledger.core.registries import Kind, Reason, Relation, State
from ledger.core.trust_lists import CompromisedSigner, DatedState
from ledger.core.verdicts import Step
from ledger.verification.facts import Facts, IndexFacts

# ---- 10 to 13: certificates and rights
# --------------------------------------------------------------------------------


@attack(Step.PATH, "PATH_REFUSED", OPEN, alone=False)
def a_ca_that_nobody_listed() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(authorities=(f.make_authority(f.STRANGER),)))


@attack(Step.PATH, "PATH_REFUSED", alone=False)
def a_ca_in_the_name_of_one_that_is_listed() -> Facts:
    forged = bytearray(f.certificate(f.ISSUING).der)
    forged[-1] ^= 1
    return f.facts(of(f.issue(validation=f.validation(certificates=(bytes(forged),)))))


@attack(Step.PATH, "PATH_AUTHORITY_NOT_GRANTED")
def a_ca_struck_from_the_list() -> Facts:
    states = (DatedState("granted", f.T - 1000), DatedState("withdrawn", f.T - 10))
    return f.facts(f.stapled(), trust=f.make_trust(authorities=(f.make_authority(states=states),)))


@attack(Step.PATH, "PATH_AUTHORITY_NOT_GRANTED")
def a_ca_suspended_when_it_signed() -> Facts:
    states = tuple(
        DatedState(*one) for one in (("granted", f.T - 1000), ("suspended", f.T - 10), ("granted", f.T + 10))
    )
    return f.facts(f.stapled(), trust=f.make_trust(authorities=(f.make_authority(states=states),)))


@attack(Step.PATH, "PATH_REFUSED", OPEN, alone=False)
def a_time_stamp_authority_that_certifies_an_office() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(authorities=(f.make_authority(service="tsa"),)))


@attack(Step.PATH, "PATH_AUTHORITY_COMPROMISED")
def a_ca_compromised_before_the_anchor() -> Facts:
    trust = f.make_trust(authorities=(f.make_authority(compromised_since=f.T),))
    return f.facts(f.stapled(), trust=trust)


@attack(Step.PATH, "PATH_AUTHORITY_COMPROMISED")
def the_key_of_a_fallen_ca_under_a_renewed_certificate() -> Facts:
    renewed = f.renewed(f.ROOT)
    authorities = (f.make_authority(certificate=renewed.der), f.make_authority(compromised_since=f.T))
    recognition = f.make_recognition(Kind.LICENSE, authority=renewed.sha256)
    trust = f.make_trust(authorities=authorities, recognitions=(recognition, f.make_recognition(Kind.LICENSE)))
    return f.facts(f.stapled(), trust=trust)


@attack(Step.PATH, "PATH_NOT_RECOGNISED")
def a_ca_recognised_for_another_kind() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(recognitions=(f.make_recognition(Kind.EVIDENCE),)))


@attack(Step.PATH, "PATH_NOT_RECOGNISED")
def a_ca_recognised_by_another_province() -> Facts:
    recognition = f.make_recognition(Kind.LICENSE, jurisdiction="CN-SC")
    return f.facts(f.stapled(), trust=f.make_trust(recognitions=(recognition,)))


@attack(Step.PATH, "PATH_RECOGNITION_ENDED")
def a_recognition_that_had_ended() -> Facts:
    recognition = f.make_recognition(Kind.LICENSE, until=f.T)
    return f.facts(f.stapled(), trust=f.make_trust(recognitions=(recognition,)))


@attack(Step.PATH, "PATH_LEVEL_TOO_LOW")
def a_ca_of_too_low_a_level() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(policies=(f.make_policy(level=4),)))


@attack(Step.PATH, "PATH_CERTIFICATE_UNUSED")
def a_certificate_nobody_needs() -> Facts:
    both = tuple(sorted((f.certificate(f.ISSUING).der, f.leaf("B").der)))
    return f.facts(of(f.issue(validation=f.validation(certificates=both))))


@attack(Step.SIGNER_BINDING, "SIGNER_COMPROMISED")
def a_stolen_signing_key() -> Facts:
    fallen = CompromisedSigner(f.OFFICE_A, f.leaf("A").sha256, f.T)
    return f.facts(f.stapled(), trust=f.make_trust(compromised_signers=(fallen,)))


@attack(Step.SIGNER_BINDING, "SIGNER_COMPROMISED")
def a_stolen_signing_key_filed_under_another_office() -> Facts:
    fallen = CompromisedSigner(f.OFFICE_B, f.leaf("A").sha256, f.T - 10)
    return f.facts(f.stapled(), trust=f.make_trust(compromised_signers=(fallen,)))


@attack(Step.REVOCATION, "REVOCATION_REVOKED")
def a_certificate_revoked_before_it_signed() -> Facts:
    serial = f.leaf("A").x509.serial_number
    lists = tuple(sorted((f.crl(f.ROOT), f.crl(f.ISSUING, f.T - 50, serial))))
    return f.facts(of(f.issue(validation=f.validation(crls=lists))))


@attack(Step.REVOCATION, "REVOCATION_MISSING", OPEN)
def no_revocation_data() -> Facts:
    return f.facts(of(f.issue(validation=f.validation(crls=()))))


@attack(Step.REVOCATION, "REVOCATION_FINAL_WANTED", OPEN)
def only_early_revocation_data_for_a_court() -> Facts:
    return f.facts(f.stapled(), trust=f.make_trust(policies=(f.make_policy(revocation="final"),)))


@attack(Step.REVOCATION, "REVOCATION_UNUSED")
def a_list_of_some_other_ca() -> Facts:
    lists = tuple(sorted((f.crl(f.ROOT), f.crl(f.ISSUING), f.crl(f.STRANGER))))
    return f.facts(of(f.issue(validation=f.validation(crls=lists))))


@attack(Step.ACCREDITATION, "ACCREDITATION_ID_DIFFERS")
def a_document_that_is_not_the_accreditation() -> Facts:
    other = f.make_accreditation(reference="浙政〔2020〕9 号")
    return f.facts(of(f.issue(event={"accreditation": other.id()})))


@attack(Step.ACCREDITATION, "ACCREDITATION_SURPLUS")
def a_document_beside_a_status_that_the_chain_does_not_name() -> Facts:
    document = f.make_accreditation(kind=Kind.STATUS, types=("*",))
    statement = f.make_statement(
        f.make_record(), State.REVOKED, f.T, Reason.LAPSED, accreditation=document, event={"accreditation": bytes(32)}
    )
    return f.facts(of(statement), documents=())


@attack(Step.ACCREDITATION, "ACCREDITATION_SURPLUS")
def an_accreditation_that_only_the_chain_names_for_a_status() -> Facts:
    named = {"accreditation": b"\x01" * 32}
    statement = f.make_statement(f.make_record(), State.REVOKED, f.T, Reason.LAPSED, event=named)
    return f.facts(of(statement), documents=())


@attack(Step.ACCREDITATION, "ACCREDITATION_OF_ANOTHER", alone=False)
def the_accreditation_of_another_office() -> Facts:
    return f.facts(of(f.issue(accreditation=f.make_accreditation(organisation=f.OFFICE_B))))


@attack(Step.ACCREDITATION, "ACCREDITATION_OF_ANOTHER", alone=False)
def an_accreditation_for_another_kind_of_record() -> Facts:
    return f.facts(of(f.issue(accreditation=f.make_accreditation(kind=Kind.EVIDENCE))))


@attack(Step.ACCREDITATION, "ACCREDITATION_OUT_OF_SCOPE", alone=False)
def an_accreditation_for_food_under_a_business_license() -> Facts:
    return f.facts(of(f.issue(accreditation=f.make_accreditation(types=("food-license",)))))


@attack(Step.SIGNER_BINDING, "SIGNER_NOT_BOUND", alone=False)
def a_certificate_that_the_contract_had_not_bound() -> Facts:
    return f.facts(of(f.issue(event={"signers": (f.leaf("B").sha256,)})))


@attack(Step.ACCREDITATION, "ACCREDITATION_MISSING", OPEN)
def the_accreditation_taken_away() -> Facts:
    bundle = f.stapled()
    return f.facts(replace(bundle, anchor=replace(bundle.anchor, accreditation=None)))


@attack(Step.ACCREDITATION, "ACCREDITATION_SURPLUS")
def a_status_under_an_accreditation() -> Facts:
    document = f.make_accreditation(kind=Kind.STATUS, types=("*",))
    statement = f.make_statement(f.make_record(), State.REVOKED, f.T, Reason.LAPSED, accreditation=document)
    return f.facts(of(statement), documents=())


# ---- 14 and 15: status and validity
# -----------------------------------------------------------------------------------


@attack(Step.STATUS, "STATUS_REVOKED")
def a_revoked_license() -> Facts:
    return f.facts(f.changed(f.issue(), State.REVOKED))


@attack(Step.STATUS, "STATUS_SUSPENDED")
def a_suspended_license() -> Facts:
    return f.facts(f.changed(f.issue(), State.SUSPENDED, reason=Reason.DETAINED))


@attack(Step.STATUS, "STATUS_SUPERSEDED")
def a_license_that_was_replaced() -> Facts:
    return f.facts(f.changed(f.issue(), State.SUPERSEDED, reason=Reason.RENEWED))


@attack(Step.STATUS, "STATUS_UNKNOWN_OFFLINE", OPEN)
def the_state_taken_away() -> Facts:
    return f.facts(f.issue())


@attack(Step.STATUS, "STATUS_STALE", OPEN)
def a_state_from_before_the_revocation() -> Facts:
    return f.facts(f.stapled(), now=f.T + 86_400)


@attack(Step.STATUS, "STATUS_HISTORY_DIFFERS")
def a_revocation_left_out_of_the_history() -> Facts:
    bundle = f.changed(f.issue(), State.REVOKED, without_batches=True)
    assert bundle.state is not None
    return f.facts(replace(bundle, state=replace(bundle.state, entries=(), statements=())))


@attack(Step.STATUS, "STATUS_PROOF_REFUSED", OPEN)
def the_status_of_another_leaf() -> Facts:
    bundle = f.issue()
    entry = f.entry_for(None, State.REVOKED, f.T + 30, Reason.LAPSED)
    state = f.make_state(bundle, of_leaf=b"\x31" * 32, recorded=[entry])
    # The chain holds the record as revoked; the proof shows a neighbour's empty slot.
    return f.facts(replace(bundle, state=state))


@attack(Step.STATUS, "STATUS_PROOF_REFUSED")
def another_contract_at_the_same_address() -> Facts:
    return f.facts(f.stapled(code=b"\x0f" * 32))


@attack(Step.STATUS, "STATUS_PROOF_REFUSED")
def the_account_of_another_contract() -> Facts:
    return f.facts(f.stapled(contract=b"\x0b" * 20))


@attack(Step.STATUS, "FINALITY_NOT_SEALED")
def a_state_sealed_by_a_stranger() -> Facts:
    return f.facts(f.stapled(sealers=(9,)))


@attack(Step.STATUS, "STATUS_BATCH_DISOWNED")
def a_batch_that_was_disowned() -> Facts:
    return f.facts(f.stapled(batch={"disowned": 1}))


@attack(Step.STATUS, "STATUS_BATCH_UNKNOWN")
def a_batch_the_state_does_not_know() -> Facts:
    return f.facts(f.stapled(batch={"sequence": 0, "time": 0, "kind": 0, "suite": 0, "size": 0}))


@attack(Step.STATUS, "STATUS_BATCH_DIFFERS")
def another_batch_under_the_same_root() -> Facts:
    return f.facts(f.stapled(batch={"sequence": 8}))


@attack(Step.STATUS, "STATUS_BEFORE_ANCHOR", OPEN)
def a_state_from_before_the_anchor() -> Facts:
    return f.facts(f.stapled(block=11))


@attack(Step.STATUS, "STATUS_FROZEN", OPEN)
def a_license_frozen_by_a_court() -> Facts:
    return f.facts(f.stapled(frozen=True))


@attack(Step.STATUS, "STATUS_LEDGER_RETIRED", OPEN)
def the_answer_of_a_retired_ledger() -> Facts:
    return f.facts(f.stapled(retired=b"\x01" * 32))


@attack(Step.STATUS, "STATUS_FROM_FUTURE", OPEN)
def a_state_from_the_future() -> Facts:
    return f.facts(f.stapled(time=f.NOW + 1000))


@attack(Step.STATUS, "STATUS_NOT_REACHED", OPEN)
def an_instant_the_state_cannot_know() -> Facts:
    return f.facts(f.stapled(), time_of_interest=f.NOW + 86_400)


@attack(Step.STATUS, "STATUS_TOO_OLD", OPEN)
def an_old_state_as_of_itself() -> Facts:
    return f.facts(f.stapled(), now=f.NOW + 7200, as_of_bundle=True, max_age=3600)


@attack(Step.STATUS, "STATUS_ID_DUPLICATED", OPEN)
def the_same_number_issued_twice() -> Facts:
    return f.facts(f.stapled(), known=IndexFacts(40, (b"\x05" * 32,)))


@attack(Step.STATUS, "STATUS_UNSIGNED", OPEN)
def a_revocation_without_a_decision() -> Facts:
    bundle = f.issue()
    entry = f.entry_for(None, State.SUSPENDED, f.T + 30, Reason.DETAINED)
    return f.facts(replace(bundle, state=f.make_state(bundle, [entry])))


@attack(Step.STATUS, "STATUS_STATEMENTS_SLACK")
def a_decision_nobody_refers_to() -> Facts:
    bundle = f.issue()
    statement = f.make_statement(bundle.record, State.REVOKED, f.T, Reason.LAPSED)
    return f.facts(replace(bundle, state=f.make_state(bundle, [], [statement])))


@attack(Step.STATUS, "STATUS_STATEMENT_INVALID")
def a_decision_nobody_signed() -> Facts:
    bundle = f.issue()
    forged = f.make_statement(bundle.record, State.SUSPENDED, f.T + 30, Reason.DETAINED, sealers=(9,))
    entry = f.entry_for(forged, State.SUSPENDED, f.T + 30, Reason.DETAINED)
    return f.facts(replace(bundle, state=f.make_state(bundle, [entry], [forged])))


def _decision(**changes: Any) -> Facts:
    """An active license with one change whose statement differs from it in what ``changes`` says."""
    bundle = f.issue()
    statement = f.make_statement(bundle.record, State.SUSPENDED, f.T + 30, Reason.DETAINED, **changes)
    entry = f.entry_for(statement, State.SUSPENDED, f.T + 30, Reason.DETAINED)
    return f.facts(replace(bundle, state=f.make_state(bundle, [entry], [statement])))


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_decision_that_says_another_state() -> Facts:
    return _decision(says={"state": "revoked"})


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_decision_that_says_another_day() -> Facts:
    return _decision(says={"effective": f.T - 10**6})


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_decision_that_says_another_reason() -> Facts:
    return _decision(says={"reason": "lapsed"})


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_decision_on_another_license() -> Facts:
    other = f.Reference(Relation.CHANGES_STATUS_OF, f.OFFICE_A, b"\x08" * 32)
    return _decision(refs=(other,))


@attack(Step.STATUS, "STATUS_STATEMENT_DIFFERS", OPEN)
def a_decision_of_another_office() -> Facts:
    return _decision(record={"issuer": f.OFFICE_B}, office="B")


@attack(Step.VALIDITY, "VALIDITY_EXPIRED")
def an_expired_license() -> Facts:
    return f.facts(of(f.issue(f.make_record(valid_until="2027-01-14"))))


@attack(Step.VALIDITY, "VALIDITY_NOT_YET")
def a_license_of_tomorrow() -> Facts:
    return f.facts(of(f.issue(f.make_record(valid_from="2027-01-16"))))
