"""Every single bit of one bundle: flipped, it is never valid, and never an accident."""

from __future__ import annotations

import pytest
from e2e_bundles import Kit

SLICES = 12


def test_the_bundle_itself_is_valid(kit: Kit) -> None:
    report = kit.judge(kit.small)
    assert (report.exit_code, report.cause_code) == (0, None)


@pytest.mark.parametrize("part", range(SLICES))
def test_no_bit_can_be_flipped(kit: Kit, part: int) -> None:
    bundle = bytearray(kit.small)
    for place in range(part, len(bundle), SLICES):
        for bit in range(8):
            bundle[place] ^= 1 << bit
            report = kit.judge(bytes(bundle))
            assert report.exit_code in (1, 3), f"bit {bit} of byte {place} changes nothing"
            bundle[place] ^= 1 << bit


def test_nothing_may_be_appended_or_cut_off(kit: Kit) -> None:
    for more in (b"\n", b" ", b"\0", b"{}", kit.small):
        assert kit.judge(kit.small + more).exit_code == 1
        assert kit.judge(more + kit.small).exit_code == 1
    for length in range(0, len(kit.small), 97):
        assert kit.judge(kit.small[:length]).exit_code == 1
