"""A PostgreSQL server of one's own, for tests and benchmarks: its own folder, socket and unprivileged user; nothing of
the machine's is touched.
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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROLE = "office"
UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
}
"""For tests: quick to start, and it never syncs, so that loss of power would cost its data."""
_QUIET = {"log_min_messages": "panic", "listen_addresses": ""}
START_SECONDS = 30
_TICKS = os.sysconf("SC_CLK_TCK")


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``: Debian's newest, else what the path has."""
    folders = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda p: int(p.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _end_with_the_parent() -> None:
    """A killed process cannot stop its server: Linux does it for it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class PostgresServer:
    """``start`` it before use. Databases are made by ``create``, from another one as template if need be.

    ``settings``: of the server; with none it is as durable as PostgreSQL is. Raises RuntimeError where it does not
    come up.
    """

    def __init__(self, programs: Path, settings: Mapping[str, str] = UNSAFE) -> None:
        self._programs = programs
        self._settings = dict(settings)
        self._user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
        self.folder = Path(tempfile.mkdtemp(prefix="zhengyin-pg-"))  # short: a socket's path has 107 bytes at most
        if self._user:
            shutil.chown(self.folder, self._user)
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None
        options = ("--auth=trust", f"--username={ROLE}", "--no-sync", "--encoding=UTF8", "--locale=C")
        self._run("initdb", f"--pgdata={self.folder / 'data'}", *options)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments]
        done = subprocess.run(command, **self._where(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def _where(self) -> dict[str, Any]:
        groups = {"user": self._user, "extra_groups": []} if self._user else {}
        return {"cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **groups}

    def start(self) -> None:
        """Until it answers. One that runs is left as it is."""
        if self._process is not None:
            return
        settings = self._settings | _QUIET | {"unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [self._programs / "postgres", "-D", self.folder / "data", *options]
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self._process = subprocess.Popen(command, preexec_fn=_end_with_the_parent, **self._where(), **quiet)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.administer()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() >= until:
                    raise RuntimeError("the server does not start") from None
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: connections are ended in order. SIGQUIT: at once, as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def cpu(self) -> float:
        """CPU seconds of the server so far: its first process, and the others that live or have ended. Linux only."""
        if self._process is None:
            return 0.0
        first = self._process.pid
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                # man proc_pid_stat: after the name in brackets come state, parent, …, utime, stime, cutime, cstime
                cells = path.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):  # it ended just now
                continue
            if int(path.parent.name) == first:
                ticks += sum(map(int, cells[11:15]))
            elif int(cells[1]) == first:
                ticks += sum(map(int, cells[11:13]))
        return ticks / _TICKS

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
