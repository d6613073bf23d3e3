"""``zhengyin signer`` as its administrator runs it: no data folder, one line a question, a yes on the terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_kit import OFFICE, zhengyin
from signer_kit import signer_home

from ledger.core import merkle
from ledger.core.manifests import BlockName, ChainIdentity, Expects, Manifest
from ledger.core.registries import Kind, Suite
from ledger.crypto.approvals import approve
from ledger.crypto.certificates import fingerprint
from ledger.outside.demo_authority import DemoAuthority
from ledger.outside.keystore import KeyStore
from ledger.outside.remote_keys import SignerAddress
from ledger.outside.remote_signer import ask
from ledger.outside.signing_service.questions import BatchParts, SignBatch

ROOT = Path(__file__).resolve().parents[3]


def question(certificate: bytes) -> SignBatch:
    leaf, chain = merkle.leaf_hash(b"1"), ChainIdentity(1, bytes(32), bytes(20))
    parts, after = BatchParts(leaf, approve(b"a" * 32, leaf), None, (("deed", 1),)), BlockName(1, bytes(32))
    counts, expects = parts.counts, Expects(1, False)
    made = Manifest(OFFICE, Kind.LICENSE, Suite.INTL, leaf, 1, counts, 1_790_000_000, after, chain, expects)
    return SignBatch(OFFICE, fingerprint(certificate), made, parts)


def test_somebody_sees_the_counts_and_says_yes(tmp_path: Path) -> None:
    now = int(time.time())
    authority = DemoAuthority.create(tmp_path / "ca", "甲", "ecdsa-p256", now)
    with signer_home() as home:
        store = KeyStore(home.keys)
        certificate = authority.certify(store.create(OFFICE, "main", "signing"), "局", OFFICE, now - 60, 365)
        store.put_certificate(OFFICE, "main", certificate)
        store.import_secret(OFFICE, "main", "approval", b"a" * 32)
        arguments = ["signer", "--socket", "signer.sock", "--keys", "keys", "--log", "log", "--office", OFFICE]
        with subprocess.Popen(
            [sys.executable, "-m", "ledger.cli", *arguments, "--confirm", "--json", "--lang", "en"],
            cwd=home.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin and process.stdout and process.stderr
            started = json.loads(process.stdout.readline())
            assert (started["keys"], started["signed"]) == (1, 0)
            address, asked = SignerAddress.parse(started["address"]), question(certificate).to_message()
            assert ask(address, asked).body["code"] == "SIGNER_UNCONFIRMED"
            shown = [process.stderr.readline() for _ in range(2)]  # the line of the question, and what is asked
            assert any("deed 1" in line and asked_root(certificate) in line and "yes" in line for line in shown)
            process.stdin.write("yes\n")
            process.stdin.flush()
            until = time.monotonic() + 20
            while ask(address, asked).body["answer"] != "signed":
                assert time.monotonic() < until
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            assert process.returncode == 0
        assert (home.folder / "log").read_bytes().count(b"\n") == 1


def asked_root(certificate: bytes) -> str:
    return question(certificate).manifest.root.hex()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "socket, listen"),
        (("--socket", "s"), "organisations"),
        (("--socket", "s", "--office", "x"), "organisations"),
        (("--listen", "127.0.0.1:1", "--office", OFFICE), "tls_certificate"),
    ],
)
def test_settings_that_are_not_whole_are_a_configuration_error(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = zhengyin("signer", *arguments, "--lang", "en")
    assert (done.code, done.out) == (4, "")
    assert words in done.err
