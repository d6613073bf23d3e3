"""The steps, one file each, in the order in which they run: binding compares what signature and anchor have
read, so it runs after them and is reported in its numbered place."""

from __future__ import annotations

from collections.abc import Callable

from ledger.core.verdicts import Step, StepResult
from ledger.verification.case import Case
from ledger.verification.steps import (
    step_00_container,
    step_01_bytes,
    step_02_record,
    step_03_disclosures,
    step_04_inclusion,
    step_05_binding,
    step_06_signature,
    step_07_finality,
    step_08_anchor,
    step_09_time,
    step_10_path,
    step_11_signer_binding,
    step_12_revocation,
    step_13_accreditation,
    step_14_status,
    step_15_validity,
    step_16_seals,
)

Judge = Callable[[Case], StepResult]

STEPS: dict[Step, Judge] = {
    Step.CONTAINER: step_00_container.judge,
    Step.BYTES: step_01_bytes.judge,
    Step.RECORD: step_02_record.judge,
    Step.DISCLOSURES: step_03_disclosures.judge,
    Step.INCLUSION: step_04_inclusion.judge,
    Step.SIGNATURE: step_06_signature.judge,
    Step.FINALITY: step_07_finality.judge,
    Step.ANCHOR: step_08_anchor.judge,
    Step.BINDING: step_05_binding.judge,
    Step.TIME: step_09_time.judge,
    Step.PATH: step_10_path.judge,
    Step.SIGNER_BINDING: step_11_signer_binding.judge,
    Step.REVOCATION: step_12_revocation.judge,
    Step.ACCREDITATION: step_13_accreditation.judge,
    Step.STATUS: step_14_status.judge,
    Step.VALIDITY: step_15_validity.judge,
    Step.SEALS: step_16_seals.judge,
}
