# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody sees of a long step: one line on a terminal, whole lines elsewhere, nothing that breaks an output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.guard.progress import phrase
from ansible_collections.pgsafe.migration.plugins.module_utils.journal.events import Event
from ansible_collections.pgsafe.migration.tests.server.backup_support import BULK, Waiting
from ansible_collections.pgsafe.migration.tests.server.plays import CALLBACK, UNPROBED, Ansible
from ansible_collections.pgsafe.migration.tests.server.support import HELD_UP, Database, held_up, until, write_set
from ansible_collections.pgsafe.migration.tests.server.terminals import terminal

DRAWN = "\r\x1b[K"
MIGRATION = {"1.sql": "ALTER TABLE customers ADD grade int;\nSELECT pg_sleep(2);\n"}


@contextmanager
def slow(database: Database, place: Path) -> Iterator[tuple[Waiting, Callable[[], object]]]:
    """Its pg_dump waits in the middle of a table, and so does the restore of it; what lets either go on."""
    database.sql(BULK + HELD_UP)
    waiting = Waiting(place)
    waiting.install(Path(str(database.target.bin_dir)), "midway")
    with held_up(database) as release:
        yield waiting, release


def variables(database: Database, root: Path, ansible: Ansible, place: Path) -> dict[str, object]:
    found = database.variables(root, write_set(ansible.home / "set", MIGRATION), bin_dir=str(place))
    return {**found, "pg_migrate_confirm": database.name}


def test_on_a_terminal_a_long_step_has_one_line_that_is_drawn_again(
    ansible: Ansible, database: Database, backup_root: Path, tmp_path: Path
) -> None:
    place = tmp_path / "tools"
    hosts = {"one": variables(database, backup_root, ansible, place)}
    # The probe would wait with the pg_dump that waits.
    argv = ["ansible-playbook", ansible.role_alone(**UNPROBED), "-i", ansible.inventory(hosts)]
    with slow(database, place) as (waiting, release), terminal(ansible, argv, {"TERM": "xterm", **CALLBACK}) as play:
        until(lambda: f"{DRAWN}    full_backup.dump  " in play.drawn or play.ended(), "the backup is seen")
        waiting.go()
        until(lambda: f"{DRAWN}    restoring  " in play.drawn or play.ended(), "the proof is seen")
        release()
        assert play.wait() == 0, play.said
    assert re.search(r"restoring  \d+ %  \S+ of \S+", play.drawn)
    assert "SELECT pg_sleep(2);" in play.drawn
    # Each is gone before another line comes, and is never longer than the terminal is wide.
    left = [line.rstrip("\r").rpartition("\r")[2] for line in play.drawn.split("\n") if DRAWN in line]
    assert left
    # A whole line may come in the place of a drawn one.
    whole = {phrase(event.value, {"file": "1.sql"}, files) for event in Event for files in ((), ("1.sql",))}
    drawn = [line[len(DRAWN) - 1 :] for line in left if line.startswith(f"{DRAWN[1:]}    ") and "[" not in line[3:]]
    assert [line for line in drawn if line.strip() not in whole] == []
