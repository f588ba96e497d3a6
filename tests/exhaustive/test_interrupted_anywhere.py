# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Something happens to a play at a random moment: what is left is the old database or the migrated one, whole and open.

Each case is drawn from the seed and its number: `-k case17` with the same PGSAFE_SEED is the same case.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import FOLLOWED, Fingerprint
from ansible_collections.pgsafe.migration.tests.server import interruptions, leftovers, matrix
from ansible_collections.pgsafe.migration.tests.server.interruptions import Phase, Playing, begun
from ansible_collections.pgsafe.migration.tests.server.matrix import Setting
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import (
    BROKEN,
    GOOD,
    Database,
    backends,
    ours,
    require_open,
    until,
)

# Each is a play of its own: with more of them the whole suite would take more than two hours, and not be run.
CASES = int(os.environ.get("PGSAFE_CASES") or 100)
LEASE_SECONDS = 4
EVENTS = (
    "ctrl_c",
    "ctrl_c_twice",
    "ctrl_c_three_times",
    "terminate",
    "hang_up",
    "kill_controller",
    "power_off",
    "kill_module",
    "kill_guard",
    "kill_worker",
    "kill_guard_and_worker",
    "kill_psql",
    "kill_restore",
    "end_sessions",
    "crash",
)

# What a run's journal says, behind which the moment may lie; that of a good and of a broken migration say more.
MARKS = (
    "fencing",
    "fenced",
    "guarded",
    "backup_started",
    "backed_up",
    "verifying",
    "verified_copy",
    "verified",
    "confirmed",
    "closing",
    "copying",
    "armed",
    "applying",
    "applied",
    "opened",
)
_GOOD, _BROKEN = ("accepted", "migrated"), ("failed", "rolling_back", "swapping", "rolled_back")
_FOLLOWED = ("publishing", "slotting", "subscribing", "following", "reading_only", "equal", "unfollowed")
MARKS_OF = {True: (*MARKS, *_GOOD), False: (*MARKS, *_BROKEN)}


# Who has to be there for it to happen at all.
VICTIMS: dict[str, Callable[[Playing], object]] = {
    "kill_module": Playing.modules,
    "kill_guard": lambda play: play.processes("guard"),
    "kill_worker": lambda play: play.processes("work"),
    "kill_guard_and_worker": lambda play: play.processes("work"),
    "kill_psql": lambda play: play.children("psql"),
    "kill_restore": lambda play: play.children("pg_restore"),
}


@dataclass(frozen=True)
class Drawn:
    """:param mark: the event of the journal behind which it happens; empty for the start of the play.
    :param delay: seconds behind it.
    """

    setting: Setting
    event: str
    good: bool
    proof: str
    fence: str
    mark: str
    delay: float
    by_tasks: bool

    def __str__(self) -> str:
        what = f"a {'good' if self.good else 'broken'} migration, proof {self.proof}, fence {self.fence}"
        when = f"{self.delay:.2f} s after {self.mark or 'its start'}"
        how = " by tasks" if self.by_tasks else ""
        return f"{self.event} {when}: {what}{how}; {self.setting}"


def drawn(seed: int, number: int) -> Drawn:
    chance = random.Random(f"{seed} interruption {number}")  # noqa: S311 - to be drawn again, not to be secret
    good = chance.random() < 0.5
    fence = chance.choice(["read_only+closed", "closed+copied", FOLLOWED])
    marks = (*MARKS_OF[good], *(_FOLLOWED if fence == FOLLOWED else ()))
    mark = chance.choice(marks) if chance.random() < 0.7 else ""
    delay = chance.expovariate(3) if mark else chance.uniform(0.0, 12.0)
    return Drawn(
        setting=chance.choice(matrix.settings()),
        event=chance.choice(EVENTS),
        good=good,
        proof=chance.choice(["auto", "scratch"]) if fence != FOLLOWED else "auto",
        fence=fence,
        mark=mark,
        delay=delay,
        by_tasks=chance.random() < 0.3,
    )


@pytest.mark.fault(61)
@pytest.mark.fault(62)
@pytest.mark.fault(64)
@pytest.mark.fault(65)
@pytest.mark.parametrize("number", [pytest.param(number, id=f"case{number}") for number in range(CASES)])
def test_whatever_happens_at_any_moment_the_database_is_the_old_or_the_migrated_one(
    controller: Callable[[Setting], Ansible],
    database: Database,
    migrated: Fingerprint,
    backup_root: Path,
    seed: int,
    number: int,
    outcome: Callable[[str], None],
) -> None:
    case = drawn(seed, number)
    print(case)
    outcome(f"of {case.event}")
    given = {
        "pg_migrate_confirm": database.name,
        "pg_migrate_guard": {"lease": LEASE_SECONDS},
        "pg_migrate_proof": case.proof,
        "pg_migrate_fence": case.fence,
    }
    files = GOOD if case.good else BROKEN
    phase = Phase("", tasks=tuple(files.values())) if case.by_tasks else Phase("", files)
    with begun(controller(case.setting), database, backup_root, phase, case.setting.callback, given) as play:
        wait_for(play, case)
        over = play.terminal.ended()
        getattr(interruptions, case.event)(play)
        status = play.terminal.wait()
        recovered = interruptions.recovered(play)
        print(f"status {status}, recovered {recovered}", play.terminal.said)
        was_migrated = require_either(play, migrated if case.good else play.before)
        require_true(play, was_migrated)
    state = "migrated" if was_migrated else "as it was"
    outcome(f"{'over before it happened, ' if over else ''}{state}{', by recover' if recovered else ''}")


@pytest.fixture(scope="session")
def migrated_once() -> dict[int, Fingerprint]:
    return {}


@pytest.fixture
def migrated(
    clone: Callable[[str], Database], database: Database, migrated_once: dict[int, Fingerprint]
) -> Fingerprint:
    """What the good set makes of the database."""
    major = database.server.installation.major
    if major not in migrated_once:
        other = clone("small")
        for text in GOOD.values():
            other.sql(text)
        migrated_once[major] = other.fingerprint()
    return migrated_once[major]


def wait_for(play: Playing, case: Drawn) -> None:
    """Until the moment has come, or the play is over."""

    def told() -> bool:
        return play.terminal.ended() or not case.mark or play.told(case.mark) is not None

    until(told, f"the journal says {case.mark}")
    moment = time.monotonic() + case.delay
    until(lambda: time.monotonic() > moment or play.terminal.ended(), "the moment has come")
    there = VICTIMS.get(case.event)
    until(lambda: not there or there(play) or play.terminal.ended(), "there is somebody to be killed")


def require_either(play: Playing, migrated: Fingerprint) -> bool:
    """Old or migrated, open, and nothing of ours in the server; whether it is the migrated one."""
    database = play.database
    found = database.fingerprint()
    assert found in (play.before, migrated)
    require_open(database)
    assert all("__failed_" in name for name in ours(database.server, database.name)), ours(
        database.server, database.name
    )
    assert not any(run.alive for run in play.runs())
    assert backends(database.server) == []
    assert leftovers.slots(database.server) == []
    assert database.admin("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
    return found != play.before


def require_true(play: Playing, was_migrated: bool) -> None:
    """What the console has said, if it came to say anything, is what is."""
    told = {"one migrated and verified": True, "one rolled back": False, "one refused": False}
    for words, state in told.items():
        if words in play.terminal.flat:
            assert was_migrated == state, words
