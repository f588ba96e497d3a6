# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verifiers that hang or crash, and verifications that are interrupted: an answer always, and nothing left behind."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.tests.server.backup_support import by_archive, by_script, tools_with
from ansible_collections.pgsafe.migration.tests.server.support import (
    Database,
    back_up,
    backends,
    command_lines,
    events,
    ours,
    python,
    until,
)
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests

HANGING = "#!/bin/sh\nexec sleep 1000000\n"
CRASHING = "#!/bin/sh\nkill -SEGV $$\n"
ENDLESS = "#!/bin/sh\nexec yes 'and so on'\n"


@pytest.fixture
def stored(database: Database, backup_root: Path) -> Path:
    return back_up(database, backup_root).directory


def _verified_with(database: Database, stored: Path, place: Path, pg_restore: str) -> str:
    """What level decode says when pg_restore is another program."""
    tools_with(place, database.server.bin_dir, "pg_restore", pg_restore)
    target = replace(database.target, bin_dir=str(place))
    verdict = verify.run(requests.verify(target, stored, "decode", stall_limit=1.0))
    assert verdict.reached == "checksum"
    assert not [words for words in command_lines().values() if str(place / "pg_restore") in words]
    return "; ".join(finding.as_text() for finding in verdict.findings)


@pytest.mark.fault(39)
def test_a_verifier_that_hangs_is_ended_and_told(database: Database, stored: Path, tmp_path: Path) -> None:
    told = _verified_with(database, stored, tmp_path / "tools", HANGING)
    assert told == f"{manifest.ARCHIVE}: pg_restore made no progress for 1 s and was ended."


@pytest.mark.fault(39)
def test_a_verifier_that_crashes_is_told(database: Database, stored: Path, tmp_path: Path) -> None:
    told = _verified_with(database, stored, tmp_path / "tools", CRASHING)
    assert told == f"{manifest.ARCHIVE}: pg_restore was ended by signal 11."


@pytest.mark.fault(39)
def test_a_verifier_that_never_stops_talking_is_ended_and_told(
    database: Database, stored: Path, tmp_path: Path
) -> None:
    told = _verified_with(database, stored, tmp_path / "tools", ENDLESS)
    assert told == f"{manifest.SCRIPT}: is not what the archive says, from its line 1 on"


@pytest.mark.fault(39)
def test_a_verifier_that_is_silent_and_content_proves_nothing(database: Database, stored: Path, tmp_path: Path) -> None:
    told = _verified_with(database, stored, tmp_path / "tools", "#!/bin/sh\n")
    assert f"{manifest.ARCHIVE}: has no end marker of a complete dump" in told


# Each of its rows takes 0.6 s to load, in which pg_restore and psql say nothing.
SLOW = """
CREATE FUNCTION slow(int) RETURNS bool LANGUAGE sql AS 'SELECT pg_catalog.pg_sleep(0.6) IS NOT NULL';
CREATE TABLE slow_one (a int CHECK (slow(a)));
INSERT INTO slow_one SELECT generate_series(1, 4);
"""


@pytest.mark.fault(39)
@pytest.mark.every_major
@pytest.mark.parametrize("how", ["archive", "script"])
def test_a_restore_that_is_slow_and_silent_is_let_work(
    database: Database, backup_root: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    database.sql(SLOW)
    taken = back_up(database, backup_root)
    monkeypatch.setattr(copies, "STALL_SECONDS", 1.5)
    copy = by_archive(database, taken) if how == "archive" else by_script(database, taken)
    assert copy.sql("SELECT count(*) FROM slow_one") == "4"


@pytest.mark.fault(39)
def test_a_restore_that_hangs_without_the_server_s_doing_is_ended(
    database: Database, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = database.server.bin_dir / "pg_restore"
    script = f'#!/bin/sh\ncase "$*" in *--dbname*) exec sleep 1000000 ;; *) exec {real} "$@" ;; esac\n'
    tools_with(tmp_path / "tools", database.server.bin_dir, "pg_restore", script)
    monkeypatch.setattr(copies, "STALL_SECONDS", 1.5)
    target = replace(database.target, bin_dir=str(tmp_path / "tools"))
    (finding,) = verify.run(requests.verify(target, stored)).findings
    told = "does not restore: pg_restore made no progress for 1.5 s and was ended."
    assert finding.as_text() == f"{manifest.ARCHIVE}: {told}"
    assert ours(database.server, database.name) == set()


# A verification whose restore waits inside the scratch database until somebody ends it.
WAITING = """
import json, sys, time
from pathlib import Path
from ansible_collections.pgsafe.migration.tests.unit import requests_under_test as requests
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import run as verify
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target
stored, params = sys.argv[1:]
load = copies.load_archive

def wait(target, name, source):
    load(target, name, source)
    with session(target.database(name)) as copy:
        print("up", flush=True)
        while True:
            time.sleep(0.05)

copies.load_archive = wait
given = json.loads(params)
try:
    verify.run(requests.verify(Target(given, "", bin_dir=given.pop("bin_dir")), Path(stored)))
except PgsafeError as error:
    print(error, flush=True)
"""


@pytest.mark.fault(61)
@pytest.mark.fault(62)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_verification_drops_its_scratch_database(
    database: Database, stored: Path, tmp_path: Path, number: signal.Signals
) -> None:
    given = json.dumps({**database.target.params, "bin_dir": str(database.server.bin_dir)})
    with python(WAITING, tmp_path, str(stored), given) as proof:
        assert proof.stdout
        assert proof.stdout.readline() == "up\n"
        assert len(ours(database.server, database.name)) == 1
        proof.send_signal(number)
        proof.stdout.read()
        proof.wait()
    assert ours(database.server, database.name) == set()
    assert "verified" not in events(stored)
    assert not (stored.parent / "latest").exists()


@pytest.mark.fault(64)
def test_what_a_killed_verification_has_left_is_dropped_by_the_next(
    database: Database, stored: Path, tmp_path: Path
) -> None:
    given = json.dumps({**database.target.params, "bin_dir": str(database.server.bin_dir)})
    with python(WAITING, tmp_path, str(stored), given) as proof:
        assert proof.stdout
        assert proof.stdout.readline() == "up\n"
        proof.kill()
        proof.wait()
    until(lambda: not backends(database.server), "the killed one's sessions are gone")
    assert len(ours(database.server, database.name)) == 1
    assert verify.run(requests.verify(database.target, stored)).reached == "restore"
    assert ours(database.server, database.name) == set()


def test_whatever_ends_the_comparison_the_scratch_database_is_dropped(
    database: Database, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PgsafeError("The way there is gone.")

    monkeypatch.setattr(verify.proof.fingerprint, "of_database", refuse)  # type: ignore[attr-defined]
    with pytest.raises(PgsafeError, match="The way there is gone"):
        verify.run(requests.verify(database.target, stored))
    assert ours(database.server, database.name) == set()
