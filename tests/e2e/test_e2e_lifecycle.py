"""The whole life of a record, and its bundle at a place that shares nothing with the office but a trust file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_bundles import cut
from ledger_world import ROOT, World, check_ledger, found_template

from ledger.core.registries import Reason, State
from ledger.core.trust import TrustFile
from ledger.crypto.digests import digest_path
from ledger.services.offline import Question, verify_offline

OFFLINE = """
import json, sys
from pathlib import Path
from ledger.core.trust import TrustFile
from ledger.crypto.trust_signatures import verify_trust_file
from ledger.services.offline import Question, verify_offline
trust = TrustFile.from_bytes(Path("trust.json").read_bytes())
verify_trust_file(trust, None, None)
report = verify_offline(Path("record.zyb").read_bytes(), trust.content, Question(as_of_bundle=True), int(sys.argv[1]))
heavy = [m for m in ("web3", "sqlalchemy", "fastapi", "pyhanko.sign", "eth") if m in sys.modules]
print(json.dumps([report.exit_code, report.cause_code, heavy]))
"""


def elsewhere(folder: Path, bundle: bytes, trust: bytes, now: int) -> list[object]:
    """Judge in another process, in a folder that holds the bundle and the trust file and nothing else."""
    folder.mkdir()
    (folder / "record.zyb").write_bytes(bundle)
    (folder / "trust.json").write_bytes(trust)
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(now)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found


def test_issue_verify_revoke_verify_and_offline_elsewhere(demo: World, tmp_path: Path) -> None:
    app, record_id = demo.app, demo.ids["plain"]
    trust = (demo.home / "trust.json").read_bytes()
    assert app.verifying.by_id(record_id, Question()).exit_code == 0
    before = cut(demo, "plain", None)
    assert elsewhere(tmp_path / "court", before, trust, int(demo.clock())) == [0, None, []]
    demo.clock.sleep(100)
    statement = demo.change(demo.row(record_id).leaf, State.REVOKED, Reason.WITHDRAWN)
    assert app.verifying.by_id(record_id, Question()).exit_code == 0  # asked for, not yet recorded
    demo.drain()
    report = app.verifying.by_id(record_id, Question())
    assert (report.exit_code, report.cause_code) == (1, "STATUS_REVOKED")
    now = int(demo.clock())
    after = cut(demo, "plain", None)
    assert elsewhere(tmp_path / "bank", after, trust, now) == [1, "STATUS_REVOKED", []]
    # the old bundle speaks for its own block, and says how old it is; nobody takes it for "now"
    content = TrustFile.from_bytes(trust).content
    assert verify_offline(before, content, Question(as_of_bundle=True), now).exit_code == 0
    assert verify_offline(before, content, Question(as_of_bundle=True, max_age=60), now).exit_code == 3
    assert verify_offline(before, content, Question(), now + 86_400).exit_code == 3
    assert app.verifying.bundle(before, Question()).cause_code == "STATUS_REVOKED"
    check_ledger(app, [statement])


def test_a_changed_a_longer_and_another_file_never_match(demo: World, tmp_path: Path) -> None:
    page = "<title>示范网页</title>".encode()
    right, *wrong = (tmp_path / name for name in ("page", "changed", "longer", "empty"))
    for path, content in zip((right, *wrong), (page, page[:-1] + b"!", page + b" ", b""), strict=True):
        path.write_bytes(content)
    verifying = demo.app.verifying
    assert verifying.by_file(digest_path(right), Question((digest_path(right),))).exit_code == 0
    for path in wrong:
        assert verifying.by_file(digest_path(path), Question()).exit_code == 3  # not known: never "forged"
        assert verifying.by_id(demo.ids["evidence"], Question((digest_path(path),))).exit_code == 1


def test_an_unknown_number_is_not_found(demo: World) -> None:
    report = demo.app.verifying.by_id("urn:zhengyin:" + "a" * 26, Question())
    assert (report.exit_code, report.headline.name) == (3, "NOT_FOUND")


def test_what_is_accepted_but_not_anchored_is_undecided(demo: World) -> None:
    accepted = demo.issue_seal("在途")
    assert demo.app.verifying.by_id(accepted.id, Question()).exit_code == 3
    demo.drain()
    assert demo.app.verifying.by_id(accepted.id, Question()).exit_code == 0


@pytest.mark.parametrize("name", ["plain", "business", "evidence", "seal", "new"])
def test_each_kind_passes_online_and_offline(shared_demo: World, name: str) -> None:
    bundle = cut(shared_demo, name, None)
    trust = shared_demo.app.trust.content()
    now = int(shared_demo.clock())
    assert shared_demo.app.verifying.bundle(bundle, Question()).exit_code == 0
    assert verify_offline(bundle, trust, Question(as_of_bundle=True), now).exit_code == 0


def test_a_bundle_of_another_ledger_is_neither_passed_nor_called_forged(
    shared_demo: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = found_template(tmp_path_factory.mktemp("stranger")).copy(tmp_path_factory.mktemp("s") / "home")
    accepted = stranger.issue_seal()
    stranger.drain()
    stranger.ids["seal"] = accepted.id
    bundle = cut(stranger, "seal", None)
    theirs, now = stranger.app.trust.content(), int(stranger.clock())
    stranger.close()
    assert verify_offline(bundle, theirs, Question(as_of_bundle=True), now).exit_code == 0
    ours = shared_demo.app.trust.content()
    for report in (
        verify_offline(bundle, ours, Question(as_of_bundle=True), now),
        shared_demo.app.verifying.bundle(bundle, Question()),
    ):
        assert report.exit_code != 0
