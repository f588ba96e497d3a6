# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bytecode is kept from one process to the next, and used only where no other user could have written it."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import bytecode
from ansible_collections.pgsafe.migration.plugins.module_utils.guard import code

UTILITIES = bytecode.__name__.rpartition(".")[0]
SOURCE = "WORD = 'source'\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a user whose Python keeps bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def directory_of(home: Path) -> Path:
    return home.joinpath(*bytecode.DIRECTORY)


def kept(home: Path) -> list[Path]:
    return sorted(directory_of(home).iterdir())


def word(home: Path, place: Path, source: str = SOURCE) -> str:
    """What a module of an archive says, as one process after another would import it."""
    archive = place / "payload.zip"
    with zipfile.ZipFile(archive, "w") as payload:
        payload.writestr("shipped/__init__.py", "")
        payload.writestr("shipped/words.py", source)
    importer = bytecode.Importer(f"{archive}/shipped", bytecode.Cache(home))
    names: dict[str, str] = {}
    exec(importer.get_code("shipped.words"), names)  # noqa: S102  # as an import does
    return names["WORD"]


def mark(home: Path) -> None:
    """Write other code under the name of the one that is kept, so that a test sees whether it is used."""
    (file,) = kept(home)
    bytecode.Cache(home).write(file.name, marshal.dumps(compile("WORD = 'kept'\n", "words", "exec")))


def test_the_next_process_uses_what_the_first_has_kept_of_an_archive_elsewhere(tmp_path: Path, home: Path) -> None:
    assert word(home, tmp_path) == "source"
    mark(home)
    assert word(home, home) == "kept"
    (file,) = kept(home)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_changed_code_is_compiled(tmp_path: Path, home: Path) -> None:
    word(home, tmp_path)
    mark(home)
    assert word(home, tmp_path, "WORD = 'changed'\n") == "changed"
    assert len(kept(home)) == 2


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: data[:20]]
)
def test_what_is_damaged_is_compiled_anew(tmp_path: Path, home: Path, damage: Callable[[bytes], bytes]) -> None:
    word(home, tmp_path)
    (file,) = kept(home)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert word(home, tmp_path) == "source"
    assert file.read_bytes() == whole


def of_a_group(directory: Path) -> None:
    directory.chmod(0o770)


def of_another_user(directory: Path) -> None:
    os.chown(directory, 65534, -1)


def linked(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))
    directory.symlink_to("elsewhere")


# Only root can give a directory away.
CHANGES = [of_a_group, linked, *([of_another_user] if os.geteuid() == 0 else [])]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_directory_that_others_may_have_written_is_not_used(
    tmp_path: Path, home: Path, change: Callable[[Path], None]
) -> None:
    word(home, tmp_path)
    mark(home)
    change(directory_of(home))
    before = [(file.name, file.read_bytes()) for file in kept(home)]
    assert word(home, tmp_path) == "source"
    assert word(home, tmp_path, "WORD = 'changed'\n") == "changed"
    assert [(file.name, file.read_bytes()) for file in kept(home)] == before


def test_without_a_home_everything_is_compiled(tmp_path: Path, home: Path) -> None:
    (home / ".cache").touch()
    assert word(home, tmp_path) == "source"
    assert word(tmp_path / "missing", tmp_path) == "source"
    assert not (tmp_path / "missing").exists()


def test_what_is_older_than_a_month_is_removed(tmp_path: Path, home: Path) -> None:
    word(home, tmp_path)
    (file,) = kept(home)
    month = time.time() - 31 * 86400
    os.utime(file, (month, month))
    # Read as ever, until something new is kept.
    assert word(home, tmp_path) == "source"
    assert kept(home) == [file]
    word(home, tmp_path, "WORD = 'changed'\n")
    assert file not in kept(home)
    assert len(kept(home)) == 1


def test_nothing_is_kept_where_python_is_told_to_keep_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert word(home, tmp_path) == "source"
    assert kept(home) == []


def test_the_program_of_a_guard_and_all_that_it_imports_come_from_there(tmp_path: Path) -> None:
    program = tmp_path / "guard_1.pyz"
    program.write_bytes(code.packed(f"{UTILITIES}.guard.entry"))
    look = (
        f"import runpy, sys\nsys.argv = [{str(program)!r}]\n"
        f"try:\n    runpy.run_path({str(program)!r}, run_name='__main__')\n"
        "except SystemExit as ended:\n    print(ended)\n"
        f"ours = {{name: of for name, of in sys.modules.items() if name.startswith({UTILITIES + '.'!r})}}\n"
        "loaders = {name: type(of.__loader__).__name__ for name, of in ours.items()}\n"
        "print([name.rpartition('.')[2] for name, loader in loaders.items() if loader != 'Importer'])"
    )
    for _process in range(2):
        done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
        assert done.stdout == f"usage: {program} recover\n['bytecode']\n", done.stderr


def test_garbage_is_collected_again_once_the_program_is_imported(tmp_path: Path) -> None:
    program = tmp_path / "guard_1.pyz"
    program.write_bytes(code.packed(f"{UTILITIES}.guard.entry"))
    look = (
        f"import gc, runpy, sys\nsys.argv = [{str(program)!r}]\nwhile_importing = []\n"
        "look = lambda *_given: while_importing.append(gc.isenabled())\n"
        "sys.meta_path.insert(0, type('Look', (), {'find_spec': look})())\n"
        f"try:\n    runpy.run_path({str(program)!r}, run_name='__main__')\nexcept SystemExit:\n    pass\n"
        "print(while_importing[-1], gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.stdout == "False True True\n", done.stderr


def test_a_traceback_has_the_lines_of_the_source(tmp_path: Path) -> None:
    program = tmp_path / "guard_1.pyz"
    program.write_bytes(code.packed(f"{UTILITIES}.guard.entry"))
    fail = (
        f"import sys, traceback\nsys.path.insert(0, {str(program)!r})\nfrom {UTILITIES} import bytecode\n"
        f"bytecode.keep()\nfrom {UTILITIES} import durations\n"
        "try:\n    durations.read('lease', 'long')\nexcept Exception:\n    traceback.print_exc()\n"
    )
    done = subprocess.run([sys.executable, "-c", fail], capture_output=True, text=True, check=False)
    assert f'File "{UTILITIES.replace(".", "/")}/durations.py", line ' in done.stderr
    assert "raise BadRequest(" in done.stderr
