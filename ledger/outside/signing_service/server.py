"""The loop of the signer: a few connections at a time, each with one question, one answer and a deadline."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Self

from ledger.errors import ConfigError, InputError, UnavailableError
from ledger.outside.signing_service import questions
from ledger.outside.signing_service.desk import Announce, Desk
from ledger.outside.signing_service.doors import Door, part, receiver
from ledger.outside.signing_service.frames import Message, read

CONNECTIONS = 8
"""At once; others wait at the door. With the largest question each they take 50 MB."""
SECONDS = 30.0
"""For a question to come in, and again for its answer to be taken."""
_LOOK = 0.2


class SignerServer:
    """Answers at ``door`` from a thread of its own until ``close``."""

    def __init__(self, door: Door, desk: Desk, announce: Announce, seconds: float = SECONDS) -> None:
        self._door, self._desk, self._announce, self._seconds = door, desk, announce, seconds
        self._stopping = threading.Event()
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._thread = threading.Thread(target=self._accept, name="signer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Answers under way are finished."""
        self._stopping.set()
        self._thread.join()
        until = time.monotonic() + self._seconds
        for _ in range(CONNECTIONS):
            self._places.acquire(timeout=max(0.0, until - time.monotonic()))
        self._door.close()

    def _accept(self) -> None:
        self._door.listener.settimeout(_LOOK)
        while not self._stopping.is_set():
            if not self._places.acquire(timeout=_LOOK):
                continue
            try:
                connection, _ = self._door.listener.accept()
            except OSError:  # nobody came, or left again before
                self._places.release()
                continue
            threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection: socket.socket) -> None:
        try:
            # who stays silent, goes away or does not speak TLS is no fault of ours, and not worth a line
            with suppress(OSError), connection:
                connection.settimeout(self._seconds)
                self._converse(connection)
        except Exception as error:  # a bug must cost this one answer, not the process; its words could say too much
            self._announce({"decision": "fault", "code": type(error).__name__})
        finally:
            self._places.release()

    def _converse(self, connection: socket.socket) -> None:
        try:
            usable, client = self._door.admit(connection)
        except ConfigError as error:
            self._announce({"client": error.values.get("client", "–"), "decision": "refused", "code": error.code})
            if connection.fileno() >= 0:
                connection.sendall(questions.refused(error).to_bytes())
                part(connection)
            return
        with usable:
            usable.settimeout(self._seconds)
            answer = self._answer(usable, client)
            usable.settimeout(self._seconds)
            usable.sendall(answer.to_bytes())
            part(usable)

    def _answer(self, usable: socket.socket, client: str) -> Message:
        try:
            message = read(receiver(usable, self._seconds), questions.MAX_QUESTION)
        except InputError as error:
            self._announce({"client": client, "decision": "refused", "code": error.code})
            return questions.refused(error)
        try:
            return self._desk.answer(client, message)
        except Exception as error:
            self._announce({"client": client, "decision": "fault", "code": type(error).__name__})
            return questions.refused(UnavailableError("SIGNER_FAULT"))
