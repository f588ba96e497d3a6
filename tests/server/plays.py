# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible as a person runs it: a process of its own, on an inventory, with or without a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.pgsafe.migration.tests.server.support import PATIENCE_SECONDS, TREE, clean_environment

Hosts = Mapping[str, Mapping[str, object]]
LIMIT_SECONDS = 400
QUESTION = "proceed? (yes/NO):"


@dataclass(frozen=True)
class Played:
    """How a run of Ansible ended, and both of its streams together."""

    status: int
    output: str

    @property
    def flat(self) -> str:
        """The output as one line, since Ansible breaks long messages where it likes."""
        return " ".join(self.output.split())

    def verdict(self, host: str) -> str:
        """The line of the fleet report about a host, without the host."""
        report = self.output.rpartition("\nVERDICTS\n")[2]
        found = [line.split(maxsplit=1)[1] for line in report.splitlines() if line.split()[:1] == [host]]
        assert found, f"no verdict of {host} in:\n{self.output}"
        return found[0]


# Of the tests, which spares each play the packing of the modules.
PACKED = str(TREE / "tests" / "server" / "callback_plugins")
# So that a playbook of the test's own shows the phases, too.
CALLBACK = {"ANSIBLE_CALLBACK_PLUGINS": f"{PACKED}:{TREE / 'playbooks' / 'callback_plugins'}"}

# Of the preflight: do not make and drop a database, for which the server looks at what is locked.
UNPROBED = {"pg_preflight_facts": {"probe": False}}


@dataclass(frozen=True)
class Ansible:
    """The collection of the build tree, in a directory of the test's own.

    :param programs: where its ansible-playbook and its Python are, which is the targets' too.
    :param connection: what every host of the inventory has.
    :param variables: of the environment, besides those of every play.
    :param logins: the SSH server's process, 0 for the local connection.
    """

    home: Path
    programs: Path = Path(sys.executable).parent
    connection: Mapping[str, object] = field(default_factory=lambda: {"ansible_connection": "local"})
    variables: Mapping[str, str] = field(default_factory=dict)
    logins: int = 0

    def environment(self) -> dict[str, str]:
        return {
            **clean_environment(self.home),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.home / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"),
            "ANSIBLE_CALLBACK_PLUGINS": PACKED,
            "ANSIBLE_COLLECTIONS_PATH": str(TREE.parents[2]),
            "ANSIBLE_NOCOLOR": "1",
            "PGSAFE_PACKED": os.environ["PGSAFE_PACKED"],
            **self.variables,
        }

    @property
    def sockets(self) -> str:
        """Where the sockets are of connections over ssh."""
        return self.variables["ANSIBLE_SSH_CONTROL_PATH_DIR"]

    def inventory(self, hosts: Hosts) -> str:
        every = {**self.connection, "ansible_python_interpreter": str(self.programs / "python")}
        path = self.home / "hosts.json"
        path.write_text(json.dumps({"all": {"vars": every, "hosts": hosts}}))
        return str(path)

    def playbook(self, plays: object) -> str:
        """A playbook of the test's own."""
        path = self.home / "play.yml"
        path.write_text(yaml.safe_dump(plays, sort_keys=False))
        return str(path)

    def role_alone(self, **module_defaults: object) -> str:
        """A playbook that runs the role, with other defaults of its modules as far as they are given."""
        defaults = {f"pgsafe.migration.{module}": options for module, options in module_defaults.items()}
        roles = ["pgsafe.migration.pg_migrate"]
        return self.playbook([{"hosts": "all", "gather_facts": False, "module_defaults": defaults, "roles": roles}])

    def run(self, argv: list[str]) -> Played:
        """Without a terminal and without an input, and with pipelining; plays on a terminal have Ansible's defaults."""
        done = subprocess.run(
            argv,
            cwd=self.home,
            env={"ANSIBLE_PIPELINING": "1", **self.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return Played(done.returncode, done.stdout)

    def play(self, hosts: Hosts, *options: str, playbook: str = "pgsafe.migration.migrate") -> Played:
        return self.run(["ansible-playbook", playbook, "-i", self.inventory(hosts), *options])

    def adhoc(self, variables: Mapping[str, object], module: str, arguments: Mapping[str, object]) -> Played:
        given = json.dumps(arguments)
        return self.run(["ansible", "all", "-i", self.inventory({"one": variables}), "-m", module, "-a", given])

    def ask(self, hosts: Hosts, answer: str, *options: str, playbook: str = "pgsafe.migration.migrate") -> Played:
        """At a terminal, where a person types the answer to the question."""
        argv = ["ansible-playbook", playbook, "-i", self.inventory(hosts), *options]
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execvpe(argv[0], argv, self.environment())  # noqa: S606
        try:
            return _dialogue(pid, terminal, answer)
        finally:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
            os.close(terminal)


def _dialogue(pid: int, terminal: int, answer: str) -> Played:
    """Answer the question as soon as it is shown."""
    said, answered = "", False
    for chunk in _chunks(terminal):
        said += chunk
        if QUESTION in said and not answered:
            os.write(terminal, answer.encode())
            answered = True
    _pid, status = os.waitpid(pid, 0)
    assert answered, f"nothing was asked:\n{said}"
    return Played(os.waitstatus_to_exitcode(status), said.replace("\r\n", "\n"))


def _chunks(terminal: int) -> Iterator[str]:
    """What is drawn, an empty chunk for each pause, until the last process with the terminal has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ready, _unused, _unused2 = select.select([terminal], [], [], 0.3)
        if not ready:
            yield ""
            continue
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:
            return
        yield chunk.decode("utf-8", "replace")
    raise AssertionError("the play did not end")
