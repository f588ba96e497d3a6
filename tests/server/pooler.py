# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small pooler before a real server, in session mode or in transaction mode, as its clients meet one.

It speaks the protocol as far as a pooler must: it makes up the key that cancels, begins a session with the server's own
words, and in transaction mode takes the server's session back as soon as that is idle.
https://www.postgresql.org/docs/current/protocol-flow.html
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.support import Database

_SSL, _GSS = 80877103, 80877104
_KEY = b"K" + struct.pack("!III", 12, 999_999_999, 42)


class _Upstream:
    """A session with the server, and what the server said when it began."""

    def __init__(self, address: str, startup: bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self.socket.sendall(startup)
        self.greeting = b"".join(message for message in _until_ready(self.socket) if message[:1] != b"K")


class Pooler:
    """:param transactions: whether each transaction may get another session of the server.
    :param ignoring: whether what a client sends in ``options`` is dropped.
    """

    def __init__(self, server_socket: str, place: Path, transactions: bool, ignoring: bool) -> None:
        self._server = server_socket
        self._ignoring = ignoring
        self._transactions = transactions
        self._idle: dict[bytes, list[_Upstream]] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for waiting in self._idle.values():
            for upstream in waiting:
                upstream.socket.close()

    def _client(self, client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            startup = _startup(client)
            if self._ignoring:
                startup = _without_options(startup)
            upstream = self._take(startup)
            if self._transactions:
                self._give_back(startup, upstream)
            client.sendall(upstream.greeting[:-6] + _KEY + upstream.greeting[-6:])
            self._relay(client, startup, None if self._transactions else upstream)

    def _relay(self, client: socket.socket, startup: bytes, own: _Upstream | None) -> None:
        """One simple query after another, each to a session of the server until that is idle again."""
        held = own
        while True:
            query = _message(client)
            if query[:1] == b"X":
                if held:
                    held.socket.close()
                return
            held = held or self._take(startup)
            held.socket.sendall(query)
            answers = list(_until_ready(held.socket))
            if own is None and answers[-1][-1:] == b"I":
                # Before the client knows that it is ready, so that whoever comes next gets this one.
                self._give_back(startup, held)
                held = None
            client.sendall(b"".join(answers))

    def _take(self, startup: bytes) -> _Upstream:
        waiting = self._idle.get(_whose(startup), [])
        return waiting.pop() if waiting else _Upstream(self._server, startup)

    def _give_back(self, startup: bytes, upstream: _Upstream) -> None:
        self._idle.setdefault(_whose(startup), []).append(upstream)


def _given(startup: bytes) -> dict[bytes, bytes]:
    words = startup[8:].split(b"\0")
    return {name: value for name, value in zip(words[::2], words[1::2]) if name}


def _whose(startup: bytes) -> bytes:
    """User and database, by which a pooler tells its pools apart."""
    given = _given(startup)
    return given[b"user"] + b"@" + given[b"database"]


def _without_options(startup: bytes) -> bytes:
    kept = [name + b"\0" + value + b"\0" for name, value in _given(startup).items() if name != b"options"]
    packet = startup[4:8] + b"".join(kept) + b"\0"
    return struct.pack("!I", len(packet) + 4) + packet


def _startup(client: socket.socket) -> bytes:
    """The packet that begins a session; encryption is declined."""
    while True:
        length = _exactly(client, 4)
        packet = length + _exactly(client, struct.unpack("!I", length)[0] - 4)
        if struct.unpack("!I", packet[4:8])[0] not in (_SSL, _GSS):
            return packet
        client.sendall(b"N")


def _message(of: socket.socket) -> bytes:
    head = _exactly(of, 5)
    return head + _exactly(of, struct.unpack("!I", head[1:])[0] - 4)


def _until_ready(of: socket.socket) -> Iterator[bytes]:
    """Every message of the server up to ReadyForQuery, which is the last."""
    while True:
        message = _message(of)
        yield message
        if message[:1] == b"Z":
            return


def _exactly(of: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = of.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


@contextmanager
def pooled(database: Database, directory: Path, transactions: bool, ignoring: bool = False) -> Iterator[dict[str, str]]:
    """The libpq parameters of a way to the server that goes through a pooler."""
    params = database.target.params
    server = f"{params['host']}/.s.PGSQL.{params['port']}"
    pooler = Pooler(server, directory / ".s.PGSQL.6432", transactions, ignoring)
    serving = threading.Thread(target=pooler.serve, daemon=True)
    serving.start()
    try:
        yield {**params, "host": str(directory), "port": "6432"}
    finally:
        pooler.close()
        serving.join()
