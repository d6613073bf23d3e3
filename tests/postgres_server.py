"""A PostgreSQL server for tests: its own folder, socket and unprivileged user; nothing of the machine's is touched.

Unsafe against loss of power, and so only for tests: it never syncs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

ROLE = "office"
_QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_min_messages": "panic",
}


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``: Debian's newest, else what the path has."""
    folders = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda p: int(p.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _end_with_the_tests() -> None:
    """Tests that are killed cannot stop their server: Linux does it for them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class PostgresServer:
    """``start`` it before use. Databases are made by ``create``, from another one as template if need be."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
        self.folder = Path(tempfile.mkdtemp(prefix="zhengyin-pg-"))  # short: a socket's path has 107 bytes at most
        if self._user:
            shutil.chown(self.folder, self._user)
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None
        options = ("--auth=trust", f"--username={ROLE}", "--no-sync", "--encoding=UTF8", "--locale=C")
        self._run("initdb", f"--pgdata={self.folder / 'data'}", *options)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            **self._where(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _where(self) -> dict[str, object]:
        groups = {"user": self._user, "extra_groups": []} if self._user else {}
        return {"cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **groups}

    def start(self) -> None:
        """Until it answers. One that runs is left as it is."""
        if self._process is not None:
            return
        settings = _QUICK | {"listen_addresses": "", "unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [self._programs / "postgres", "-D", self.folder / "data", *options]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, preexec_fn=_end_with_the_tests, **self._where(), **quiet)
        until = time.monotonic() + 30
        while True:
            try:
                self.administer()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < until, "the server does not start"
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: connections are ended in order. SIGQUIT: at once, as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def url(self, database: str, role: str = ROLE) -> str:
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """A new database; nobody may be connected to the template."""
        self._made += 1
        name = f"test{self._made}"
        self.administer(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        return name

    def drop(self, name: str) -> None:
        self.administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def demand_password(self, role: str, password: str) -> None:
        """A new role that only enters with its password; it owns nothing but may do everything."""
        create = sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}")
        self.administer(create.format(sql.Identifier(role), sql.Literal(password)))
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n" + rules.read_text())
        self.administer(sql.SQL("SELECT pg_reload_conf()"))

    def administer(self, statement: sql.Composable | None = None) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if statement is not None:
                connection.execute(statement)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A started server, removed at the end. Skips the test where PostgreSQL is not installed, unless
    ZHENGYIN_NO_SKIP=1 says that everything must run."""
    found = programs()
    if found is None:
        reason = "PostgreSQL is not installed (Debian: postgresql)"
        if os.environ.get("ZHENGYIN_NO_SKIP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    server = PostgresServer(found)
    try:
        server.start()
        yield server
    finally:
        server.remove()
