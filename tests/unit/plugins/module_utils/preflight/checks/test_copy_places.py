# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A place for a copy that cannot be used is a problem before anything is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Problem
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Filesystem
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks import copy_places
from ansible_collections.pgsafe.migration.plugins.module_utils.preflight.checks.check import (
    ControllerPlace,
    CopyEncryption,
    CopyPlace,
    CopyStore,
)
from ansible_collections.pgsafe.migration.tests.unit.samples import FACTS

DIRECTORY = replace(FACTS.backup_root, path="/mnt/nfs")
ROOM = Filesystem("/mnt/nfs", 1 << 50, 4242)


def problems(required: bool = True, filesystem: Filesystem = ROOM, **fields: Any) -> list[Problem]:
    place = CopyPlace(replace(DIRECTORY, **fields), filesystem, required)
    return list(copy_places.check(replace(FACTS, copy_places=(place,))))


def test_a_place_on_another_disk_with_room_is_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"path": "copies"}, "is not an absolute path"),
        ({"exists": False, "writable": False}, "does not exist"),
        ({"writable": False}, "cannot be written by the user of the play"),
        ({"weakness": "/mnt belongs to eve", "remedy": "chown root /mnt"}, "Another user could replace what is in"),
        ({"filesystem": Filesystem("/mnt/nfs", 4096, 4242)}, "has 4.0K free; the copy is expected to need"),
    ],
    ids=["relative", "missing", "read-only", "foreign", "full"],
)
def test_a_place_that_cannot_be_used_stops_the_run_unless_it_may_lack_the_copy(
    fields: dict[str, Any], said: str
) -> None:
    for required, severity in ((True, "error"), (False, "warning")):
        (problem,) = problems(required=required, **fields)
        assert problem.severity == severity
        assert said in problem.what


def test_the_disk_of_the_backup_root_is_a_warning() -> None:
    (problem,) = problems(filesystem=replace(ROOM, device=FACTS.backup_filesystem.device))
    assert problem.severity == "warning"
    assert "on the file system of the backup root" in problem.what


def test_a_store_that_cannot_be_listed_stops_the_run_unless_it_may_lack_the_copy() -> None:
    for required, severity in ((True, "error"), (False, "warning")):
        store = CopyStore("s3://backups/db1", required, "NoSuchBucket: it is gone", "Create the bucket.")
        (problem,) = copy_places.check(replace(FACTS, copy_stores=(store, replace(store, problem=""))))
        assert (problem.severity, problem.remedy) == (severity, "Create the bucket.")
        assert "s3://backups/db1 for a copy of the backup cannot be used: NoSuchBucket" in problem.what


def test_a_copy_that_cannot_be_encrypted_stops_the_run_unless_the_place_may_lack_it() -> None:
    for required, severity in ((True, "error"), (False, "warning")):
        given = CopyEncryption("/mnt/nfs", required, "pyrage is not installed.", "Install it.")
        (problem,) = copy_places.check(replace(FACTS, copy_encryption=(given, replace(given, problem=""))))
        assert (problem.severity, problem.remedy) == (severity, "Install it.")
        assert "at /mnt/nfs cannot be encrypted: pyrage is not installed." in problem.what


def test_a_place_on_the_controller_that_cannot_be_used_or_is_full_stops_the_run_unless_it_may_lack_the_copy() -> None:
    for required, severity in ((True, "error"), (False, "warning")):
        good = ControllerPlace("/srv/db1", required, 1 << 50, "", "")
        bad, full = replace(good, problem="It is gone.", remedy="Make it."), replace(good, free_bytes=4096)
        problems = list(copy_places.check(replace(FACTS, controller_places=(good, bad, full))))
        assert [problem.severity for problem in problems] == [severity] * 2
        assert "/srv/db1 on the controller cannot be used: It is gone." in problems[0].what
        assert "/srv/db1 on the controller has 4.0K free; the copy is expected to need" in problems[1].what
