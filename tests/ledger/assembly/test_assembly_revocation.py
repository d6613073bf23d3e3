"""Where an office's revocation data come from, by the setting ``revocation``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pki_kit import DAY, NOW, Kit

from ledger.assembly.home import Home
from ledger.assembly.revocation import OfficeRevocation
from ledger.crypto.paths import build_path
from ledger.crypto.revocation import judge
from ledger.errors import UnavailableError
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.file_revocation import FileRevocation
from ledger.settings import Settings


def source(home: Path, *authorities: Any, **settings: Any) -> OfficeRevocation:
    trust: Any = SimpleNamespace(authorities=authorities)
    return OfficeRevocation(Home(home), Settings(home=home, **settings), lambda: trust)


def test_files_alone_ask_nobody_and_the_network_is_a_setting(pki: Kit, tmp_path: Path) -> None:
    leaf, listed = pki.leaf("ca-h").certificate, pki.authority("ca-h")
    with pki.serving():
        with pytest.raises(UnavailableError, match="REVOCATION_SOURCE_ISSUER"):
            source(tmp_path, listed).collect([leaf], NOW)
        with pytest.raises(UnavailableError, match="REVOCATION_SOURCE_ISSUER"):
            source(tmp_path, listed, revocation="online", revocation_hosts=("crl.example",)).collect([leaf], NOW)
        found = source(tmp_path, listed, revocation="online").collect([leaf], NOW)
    path = build_path(leaf, found.certificates, [pki.root("ca-h")], NOW)
    assert judge(path, found, NOW + 60).outcome == "good"
    assert list((tmp_path / "revocation").iterdir())


def test_listed_authority_ends_a_path_in_the_middle(pki: Kit, tmp_path: Path) -> None:
    """A bundle then carries nothing of what is above: no step would use it."""
    leaf, issuing = pki.leaf("ca-h").certificate, pki.intermediates("ca-h")[0]
    listed = pki.authority("ca-h", certificate=issuing)
    with pki.serving():
        found = source(tmp_path, listed, revocation="online").collect([leaf], NOW)
        of_itself = source(tmp_path, listed, revocation="online").collect([issuing], NOW + DAY)
    assert found.certificates == () and len(found.ocsps) + len(found.crls) == 1
    # being listed proves no revocation: of a time-stamp authority's own certificate the verifier wants data as well
    assert len(of_itself.ocsps) + len(of_itself.crls) == 1


def test_test_authority_publishes_daily_and_when_newer_lists_are_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "authorities" / "a"
    made = DemoAuthority.create(folder, "甲", "ecdsa-p256", NOW)
    files, office = FileRevocation(folder), source(tmp_path)

    def taken() -> set[int | None]:
        return {span.since for span in files.spans()}

    office.collect([made.issuing], NOW + 60)
    assert taken() == {NOW}
    office.collect([made.issuing], NOW + 120, after=NOW + 60)
    assert taken() == {NOW + 120}
    office.collect([made.issuing], NOW + 121 + DAY)
    assert taken() == {NOW + 121 + DAY}
