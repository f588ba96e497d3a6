# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guard's own copy of the code, from the tree and from what Ansible ships."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from ansible_collections.pgsafe.migration.tests.unit.modules_under_test import COLLECTION

ENTRY = "ansible_collections.pgsafe.migration.plugins.module_utils.guard.entry"


def names(packed: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(packed)).namelist())


def test_a_program_holds_the_utilities_and_nothing_of_ansible() -> None:
    found = names(code.packed(ENTRY))
    utilities = "ansible_collections/pgsafe/migration/plugins/module_utils"
    below = {str(path.relative_to(COLLECTION)) for path in (COLLECTION / "plugins" / "module_utils").rglob("*.py")}
    assert {f"ansible_collections/pgsafe/migration/{name}" for name in below} <= found
    assert all(name == "__main__.py" or name.startswith(utilities) or name.endswith("/__init__.py") for name in found)


def test_equal_code_gives_equal_bytes() -> None:
    assert code.packed(ENTRY) == code.packed(ENTRY)


def test_the_directory_of_a_program_runs_and_keeps_its_bytecode(tmp_path: Path) -> None:
    program = laid_down(tmp_path)
    directory = code.unpacked(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for _process in range(2):
        done = subprocess.run([sys.executable, directory], env=environment, capture_output=True, text=True, check=False)
        assert done.stderr == f"usage: {directory} recover\n"
    assert list(directory.rglob("guard/__pycache__/entry.*.pyc"))
    # What Python has added is no difference.
    assert code.unpacked(program) == directory
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in directory.rglob("*")}
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize("how", ["changed", "added", "removed", "linked"])
def test_a_directory_that_is_not_the_program_is_refused(tmp_path: Path, how: str) -> None:
    program = laid_down(tmp_path)
    directory = code.unpacked(program)
    main = directory / "__main__.py"
    if how == "changed":
        main.write_text("raise SystemExit\n")
    elif how == "added":
        # The name of a module of Python's.
        (directory / "json.py").touch()
    elif how == "removed":
        main.unlink()
    else:
        directory.rename(tmp_path / "other")
        directory.symlink_to(tmp_path / "other")
    with pytest.raises(Refused) as refused:
        code.unpacked(program)
    assert refused.value.what == f"{directory} is not the code of guard_1.pyz."
    assert refused.value.remedy == f"Remove it: rm -r {directory}"


def test_a_directory_that_a_killed_process_has_left_half_unpacked_is_made_anew(tmp_path: Path) -> None:
    program = laid_down(tmp_path)
    partial = tmp_path / "guard_1.partial"
    assert files.partial_name(tmp_path / "guard_1") == partial
    partial.mkdir()
    (partial / "json.py").touch()
    assert not (code.unpacked(program) / "json.py").exists()
    assert not partial.exists()


def laid_down(directory: Path) -> Path:
    program = directory / "guard_1.pyz"
    program.write_bytes(code.packed(ENTRY))
    return program
