# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cases of the tests of interruption: a version, a connection, a callback, a phase and an event each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.fence import run as fence
from ansible_collections.pgsafe.migration.tests.server import interruptions, sshd
from ansible_collections.pgsafe.migration.tests.server.interruptions import PHASES, Event, playing
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import Database

import controllers

# Over ssh with pipelining no module hears of an end; without it each of them has a terminal, and with sudo every poll.
LOCAL, PIPED, ON_A_TERMINAL, BECOME = CONNECTIONS = ("local", "ssh", "ssh -t", "ssh with sudo")


@dataclass(frozen=True)
class Setting:
    """With what a play is run.

    :param core: the ansible-core, as ``2.19``.
    :param connection: one of :data:`CONNECTIONS`.
    :param callback: whether the callback is there that takes the first Ctrl+C.
    """

    core: str
    connection: str
    callback: bool

    def __str__(self) -> str:
        return f"{self.core}, {self.connection}, {'with' if self.callback else 'without'} the callback"


@dataclass(frozen=True)
class Case:
    """:param event: the name of a function of :mod:`interruptions`.
    :param fence: the kind of it.
    """

    setting: Setting
    phase: str
    event: str
    fence: str = fence.BOTH

    def __str__(self) -> str:
        behind = "" if self.fence == fence.BOTH else f", {self.fence}"
        return f"{self.event} in {self.phase}: {self.setting}{behind}"

    @property
    def happens(self) -> Event:
        event: Event = getattr(interruptions, self.event)
        return event


def settings() -> list[Setting]:
    """All that this machine has."""
    there = {LOCAL: True, BECOME: sshd.SUDO and not sshd.MISSING}
    connections = [name for name in CONNECTIONS if there.get(name, not sshd.MISSING)]
    return [
        Setting(core, connection, callback)
        for core in controllers.found()
        for connection in connections
        for callback in (True, False)
    ]


def possible(cases: Iterable[Case]) -> list[Case]:
    """Those whose ansible-core and connection this machine has."""
    there = settings()
    return [case for case in cases if case.setting in there]


def over_ssh(ansible: Ansible, server: sshd.Sshd, connection: str, port: int = 0) -> Ansible:
    """The same, on hosts behind a server."""
    given = server.connection(connection == PIPED, connection == BECOME, port)
    return replace(ansible, connection=given, variables=server.variables, logins=server.process.pid)


def interrupt(ansible: Ansible, database: Database, root: Path, case: Case, lease: float) -> float | None:
    """Play it, and require that all is as it was before; seconds until the journal tells of it, None where none is."""
    phase = PHASES[case.phase]
    given = {"pg_migrate_guard": {"lease": lease}, "pg_migrate_fence": case.fence}
    with playing(ansible, database, root, phase, case.setting.callback, **given) as play:
        seconds = interruptions.seconds_until_heard(play, case.happens)
        play.let_go()
        if case.phase == "confirm" and not case.setting.callback:
            # Nobody takes a second Ctrl+C between two tasks: the run rests, and the next one undoes it.
            play.terminal.wait()
            interruptions.recovered(play)
        interruptions.require_whole(play)
    return seconds
