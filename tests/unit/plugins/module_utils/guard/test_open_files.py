# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far somebody is in a file, without being told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils.guard import open_files
from ansible_collections.pgsafe.migration.plugins.module_utils.guard.open_files import OpenFile

READING = """
import sys
with open(sys.argv[1], "rb", buffering=0) as file:
    file.read(3)
    sys.stdout.write("here\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


def test_a_file_that_is_read_tells_the_place_and_one_that_is_written_its_size(tmp_path: Path) -> None:
    read, written = tmp_path / "read", tmp_path / "written"
    read.write_bytes(b"x" * 10)
    with read.open("rb", buffering=0) as reader, written.open("wb", buffering=0) as writer:
        reader.read(4)
        writer.write(b"y" * 7)
        # As pg_dump does at the end.
        writer.seek(0)
        found = open_files.look(tmp_path)
    assert sorted(found, key=lambda file: file.name) == [
        OpenFile("read", 4, 10, writing=False),
        OpenFile("written", 7, 7, writing=True),
    ]
    assert open_files.look(tmp_path) == []


def test_what_a_child_reads_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"x" * 10)
    argv = [sys.executable, "-c", READING, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = open_files.look(tmp_path)
        child.communicate()
    assert found == [OpenFile("archive", 3, 10, writing=False)]


def test_files_elsewhere_are_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    with (tmp_path / "file").open("wb"):
        assert open_files.look(tmp_path / "beside") == []
