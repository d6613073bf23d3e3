"""A development node for tests: anvil's own binary in a process of its own, that makes blocks when it is told to.

Killing npm's shim would leave the node behind, so the binary is called directly. Blocks are made by ``mine``; nobody
seals them, so the ledger on it has the consensus ``unsealed``.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.npm import install

FOLDER = Path(__file__).resolve().parents[1] / "scripts" / "anvil"
PACKAGE = "@foundry-rs/anvil-linux-amd64"
CHAIN_ID = 777_001


def anvil_binary() -> Path:
    """Skips with the reason where there is none, or fails under ZHENGYIN_NO_SKIP=1."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        _missing("the locked anvil runs on Linux x86-64 only")
    try:
        return install(FOLDER, PACKAGE) / "bin" / "anvil"
    except FileNotFoundError:
        _missing("npm is not installed")
    except subprocess.CalledProcessError:
        _missing("npm could not install anvil")
    raise AssertionError


def _missing(reason: str) -> None:
    (pytest.fail if os.environ.get("ZHENGYIN_NO_SKIP") == "1" else pytest.skip)(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class AnvilNode:
    """``options``: more of anvil's own. Stopped nodes forget their chain unless they were given a state file."""

    def __init__(self, *options: str, port: int | None = None, timestamp: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [str(anvil_binary()), "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--no-mining"]
        command += ["--gas-price", "0", "--base-fee", "0", "--disable-min-priority-fee", "--accounts", "1", "--quiet"]
        if timestamp is not None:
            command += ["--timestamp", str(timestamp)]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._await()

    def _await(self) -> None:
        ends = time.monotonic() + 30
        while True:
            try:
                self.request("eth_chainId")
                return
            except httpx.TransportError:
                assert self._process.poll() is None, "anvil ended at once"
                assert time.monotonic() < ends, "anvil does not answer"
                time.sleep(0.05)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        answer = httpx.post(self.url, content=body, headers={"Content-Type": "application/json"}, timeout=30)
        found = answer.json()
        assert "error" not in found, found
        return found["result"]

    def mine(self, blocks: int = 1, timestamp: int | None = None) -> None:
        """Make blocks; ``timestamp`` is that of the first, in seconds UTC, where it is later than the head's."""
        if timestamp is not None and timestamp > int(self.head()["timestamp"], 16):
            self.request("evm_setNextBlockTimestamp", [timestamp])
        for _ in range(blocks):
            self.request("evm_mine")

    def head(self) -> dict[str, Any]:
        found: dict[str, Any] = self.request("eth_getBlockByNumber", ["latest", False])
        return found

    def reorganise(self, depth: int) -> None:
        """Replace the last ``depth`` blocks by empty ones."""
        self.request("anvil_reorg", [depth, []])

    def freeze(self) -> None:
        """Leave the port open and answer nothing (SIGSTOP)."""
        self._process.send_signal(19)

    def thaw(self) -> None:
        self._process.send_signal(18)

    def stop(self) -> None:
        self.thaw()
        self._process.kill()
        self._process.wait()
