"""Many records under one manifest that was verified once."""

from __future__ import annotations

from dataclasses import replace

import bundle_factory as f
import orjson
import pytest
from verification_attacks import ATTACKS, Attack

from ledger.core.registries import Kind
from ledger.core.verdicts import Step
from ledger.errors import ConflictError, InputError
from ledger.verification import ProvedBatch, prove_batch

BATCH_STEPS = range(Step.BINDING.value, Step.ACCREDITATION.value + 1)


@pytest.fixture
def batch() -> ProvedBatch:
    return prove_batch(f.facts(f.stapled()))


def test_record_of_the_batch_gives_its_leaf(batch: ProvedBatch) -> None:
    bundle = f.issue()
    leaf = batch.check(bundle.record.to_bytes(), bundle.inclusion.index, bundle.inclusion.path)
    assert leaf == bundle.record.leaf()


def test_batch_is_proved_without_a_state_or_files() -> None:
    assert prove_batch(f.facts(f.issue(), documents=())).size == 5


def code_of(batch: ProvedBatch, record: bytes) -> str:
    inclusion = f.issue().inclusion
    with pytest.raises(InputError) as e:
        batch.check(record, inclusion.index, inclusion.path)
    return e.value.code


def test_record_that_is_not_in_the_batch(batch: ProvedBatch) -> None:
    assert code_of(batch, f.make_record(b"\x06" * 32).to_bytes()) == "BATCH_ROOT_DIFFERS"


@pytest.mark.parametrize(
    "change", [{"issuer": f.OFFICE_B}, {"type": "food-license"}, {"kind": Kind.CONSENT}], ids=lambda c: next(iter(c))
)
def test_record_of_another_issuer_type_or_kind(batch: ProvedBatch, change: dict[str, object]) -> None:
    assert code_of(batch, f.make_record(**change).to_bytes()) == "BATCH_RECORD_REFUSED"


@pytest.mark.parametrize("data", [b"[]", b"1", b'"text"', b"{}", b'{"type":["x"]}', b"null"])
def test_something_that_is_no_record(batch: ProvedBatch, data: bytes) -> None:
    assert code_of(batch, data) == "BATCH_RECORD_REFUSED"


def test_another_spelling_of_the_record(batch: ProvedBatch) -> None:
    assert code_of(batch, orjson.dumps(f.make_record().to_json(), option=orjson.OPT_INDENT_2)) == "CANONICAL_FORM"


def test_index_or_path_of_a_neighbour(batch: ProvedBatch) -> None:
    bundle = f.issue()
    for index, path in ((3, bundle.inclusion.path), (2, bundle.inclusion.path[:-1]), (9, bundle.inclusion.path)):
        with pytest.raises(InputError):
            batch.check(bundle.record.to_bytes(), index, path)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.step.value in BATCH_STEPS], ids=lambda a: a.name)
def test_no_batch_is_proved_by_a_bundle_with_a_fault_in_it(attack: Attack) -> None:
    with pytest.raises(ConflictError) as e:
        prove_batch(attack.make())
    assert e.value.code == "BATCH_NOT_PROVED"


def test_unreadable_bundle_is_refused() -> None:
    with pytest.raises(InputError):
        prove_batch(f.facts(b"{}"))


def test_type_outside_the_accreditation_is_refused() -> None:
    counts = (("business-license", 3), ("deed", 2))
    batch = prove_batch(f.facts(f.stapled(f.issue(manifest={"counts": counts}))))
    assert batch.types == {"business-license"}
    wide = f.make_accreditation(types=("*",))
    batch = prove_batch(f.facts(f.stapled(f.issue(manifest={"counts": counts}, accreditation=wide))))
    assert batch.types == {"business-license", "deed"}


def test_a_record_altered_in_one_bundle_does_not_spoil_its_batch() -> None:
    """The batch is the manifest's: the record it was proved with is checked like every other."""
    forged = replace(f.issue(), record=f.make_record(valid_until="2037-12-31"))
    batch = prove_batch(f.facts(forged))
    assert code_of(batch, forged.record.to_bytes()) == "BATCH_ROOT_DIFFERS"
    bundle = f.issue()
    assert batch.check(bundle.record.to_bytes(), bundle.inclusion.index, bundle.inclusion.path)
