"""The signer as a process on a clock of the tests': ``signer_process.py RULES NOW USER [die]``.

``USER``: the number of the user that it becomes, or ``-``.
With ``die`` it is killed, as by ``kill -9``, when it has made its first signature and not yet sent it.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

from ledger.cli.session import Session
from ledger.cli.signer import run_signer
from ledger.errors import messages
from ledger.outside.keystore import KeyStore
from ledger.outside.passphrases import passphrase_from
from ledger.outside.signing_keys import SigningKey
from ledger.outside.signing_service.desk import Desk
from ledger.outside.signing_service.rules import read_rules
from ledger.outside.signing_service.server import SignerServer

# Loaded by now: the other user may not be able to reach the interpreter's library.
LOADED = (resource, Desk, KeyStore, SignerServer, passphrase_from, messages())

file, now, user, *fault = sys.argv[1:]
rules = read_rules(Path(file), {})
if user != "-":
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
if fault:
    sign_parts = SigningKey.sign_parts

    def killed(self: SigningKey, content: bytes, at: int) -> tuple[bytes, bytes]:
        sign_parts(self, content, at)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    SigningKey.sign_parts = killed  # type: ignore[method-assign, assignment]
run_signer(Session(Path(), json=True), rules, lambda: float(now))
