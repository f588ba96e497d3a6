# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An SSH server of the tests' own on loopback, with keys of its own, and a network before it that can be cut."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.support import kill, until
from ansible_collections.pgsafe.migration.tests.server.terminals import family

import pgserver

# Where servers are that PATH has for root alone.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
PROGRAMS = {name: shutil.which(name, path=_PLACES) for name in ("sshd", "ssh", "ssh-keygen")}
MISSING = [name for name, found in PROGRAMS.items() if found is None]

# Whether root can be become without a password.
_SUDO = ["sudo", "-n", "true"]
SUDO = bool(shutil.which("sudo")) and subprocess.run(_SUDO, capture_output=True, check=False).returncode == 0

# Bash reads the .bashrc of whoever logs in, unless it is not his first shell; what that does is his own affair, and a
# test that kills it leaves its locks.
_CONFIG = """
SetEnv SHLVL=1
ListenAddress 127.0.0.1
Port {port}
HostKey {home}/host
AuthorizedKeysFile {home}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""

# Hands on what comes, both ways; stopped, it is a network that is gone: nothing is refused, and nothing arrives.
_NETWORK = """
import asyncio, sys

async def hand_on(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def taken(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(hand_on(reader, back), hand_on(there, writer))

async def main():
    server = await asyncio.start_server(taken, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Sshd:
    """A server that the current user can log into."""

    home: Path
    process: subprocess.Popen[bytes]
    port: int

    def connection(self, pipelining: bool, become: bool = False, port: int = 0) -> dict[str, object]:
        """What an inventory says of a host behind it."""
        known = f"-o UserKnownHostsFile={self.home}/known -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=own"
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": port or self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self.home / "user"),
            "ansible_ssh_common_args": f"-F /dev/null -o IdentitiesOnly=yes -o IdentityAgent=none {known}",
            "ansible_ssh_pipelining": pipelining,
            "ansible_become": become,
        }

    @property
    def variables(self) -> dict[str, str]:
        """Of the controller's environment: the paths of sockets are short, or they are none."""
        return {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.home / "cp")}


@contextmanager
def started() -> Iterator[Sshd]:
    home = Path(tempfile.mkdtemp(prefix="pgs"))
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name))
    (home / "known").write_text(f"own {(home / 'host.pub').read_text()}")
    port = pgserver.free_port()
    (home / "config").write_text(_CONFIG.format(port=port, home=home))
    if os.geteuid() == 0:
        # Root's is to have an empty directory to confine itself to, which a service would make.
        Path("/run/sshd").mkdir(exist_ok=True)
    with (home / "log").open("wb") as log:
        argv = [str(PROGRAMS["sshd"]), "-D", "-e", "-f", str(home / "config")]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: _answers(port), f"sshd answers: {(home / 'log').read_text()}")
        yield Sshd(home, process, port)
    finally:
        _end(process)
        shutil.rmtree(home)


def _run(program: str, *arguments: str) -> None:
    subprocess.run([str(PROGRAMS[program]), *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _answers(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
            return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """With the sessions of those who are logged in, and so with the clients that wait for the next connection."""
    kill(family(process.pid), signal.SIGTERM)
    process.wait()


@contextmanager
def network(server: Sshd) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A port before the server's, and the process that hands on; it may be stopped."""
    port = pgserver.free_port()
    argv = [sys.executable, "-c", _NETWORK, str(port), str(server.port)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        try:
            until(lambda: _answers(port), "the network is there")
            yield port, process
        finally:
            process.kill()
