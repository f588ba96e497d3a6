# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gzip files are read by every gunzip, and damage is never read over."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import gzip_files
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, FileFailed, Interrupted
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import commands
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.files import BUFFER_BYTES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.parametrize("decoder", ["isal", "zlib", "pigz"], indirect=True)
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)


CAT = shutil.which("cat") or ""
GZIP = shutil.which("gzip") or ""


@pytest.fixture
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """With ISA-L; as on a target that has none; and as on one that has pigz."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    if request.param != "isal":
        monkeypatch.setattr(gzip_files, "igzip", None)
    if request.param == "pigz":
        (programs / "pigz").write_text(f"#!/bin/sh\n[ ! -e {programs}/broken ] && exec {GZIP} -n -c $1\n")
        (programs / "pigz").chmod(0o755)
    return str(request.param)


def _packed(directory: Path, content: bytes, level: int = 1) -> bytes:
    (directory / "content").write_bytes(content)
    sink = io.BytesIO()
    gzip_files.compress(commands.Command((CAT, str(directory / "content"))), sink, level, lambda: None)
    return sink.getvalue()


def test_the_fastest_compressor_of_the_machine_is_used(decoder: str) -> None:
    assert gzip_files.compressor() == decoder


def test_a_program_that_fails_fails_the_compression(decoder: str) -> None:
    command = commands.Command(("/bin/sh", "-c", "echo half; echo broken >&2; exit 3"))
    with pytest.raises(CommandFailed, match="sh ended with status 3: broken"):
        gzip_files.compress(command, io.BytesIO(), 1, lambda: None)


def test_a_compression_ends_when_it_is_told_to(decoder: str, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(bytes(100_000))
    check = create_autospec(lambda: None, side_effect=Interrupted("stopped"))
    with pytest.raises(Interrupted):
        gzip_files.compress(commands.Command((CAT, str(tmp_path / "content"))), io.BytesIO(), 1, check)


def test_a_compressor_that_fails_fails_the_compression(decoder: str, tmp_path: Path) -> None:
    (tmp_path / "bin" / "broken").touch()
    if decoder == "pigz":
        with pytest.raises(CommandFailed, match="pigz ended with status 1"):
            _packed(tmp_path, b"rows")
    else:
        assert gzip.decompress(_packed(tmp_path, b"rows")) == b"rows"


@anywhere
@given(content=st.binary(max_size=3000), level=st.integers(1, 9))
def test_what_was_written_is_read_back(decoder: str, tmp_path: Path, content: bytes, level: int) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(_packed(tmp_path, content, level))
    assert b"".join(gzip_files.read(path)) == content == gzip.decompress(path.read_bytes())


def test_equal_content_gives_equal_bytes(decoder: str, tmp_path: Path) -> None:
    assert _packed(tmp_path, b"x" * 1000) == _packed(tmp_path, b"x" * 1000)


def test_gunzip_reads_it(decoder: str, tmp_path: Path) -> None:
    assert (
        subprocess.run([GZIP, "-dc"], input=_packed(tmp_path, b"rows\n"), capture_output=True, check=True).stdout
        == b"rows\n"
    )


def test_a_long_file_comes_in_chunks(decoder: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(_packed(tmp_path, bytes(3 * BUFFER_BYTES)))
    sizes = [len(chunk) for chunk in gzip_files.read(path)]
    assert sum(sizes) == 3 * BUFFER_BYTES
    assert max(sizes) <= BUFFER_BYTES


def test_a_file_that_was_cut_anywhere_is_refused(decoder: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "x.gz", _packed(tmp_path, b"CREATE TABLE members (id int);\n" * 20)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFailed, match=r"x\.gz"):
            list(gzip_files.read(path))


@anywhere
@given(data=st.data())
def test_a_flipped_bit_of_the_content_is_seen(decoder: str, tmp_path: Path, data: st.DataObject) -> None:
    content = b"CREATE TABLE members (id int, name text);\n" * 3
    damaged = bytearray(_packed(tmp_path, content))
    place = data.draw(st.integers(10, len(damaged) - 1))
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "x.gz"
    path.write_bytes(damaged)
    try:
        found = b"".join(gzip_files.read(path))
    except FileFailed:
        return
    # a bit that pads the last block means nothing
    assert found == content


def test_something_behind_the_end_is_refused(decoder: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(_packed(tmp_path, b"rows") + b"more")
    with pytest.raises(FileFailed):
        list(gzip_files.read(path))


def test_a_file_that_is_no_gzip_or_is_missing_is_told_by_its_path(decoder: str, tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_text("plain text")
    for name in ("x.gz", "missing.gz"):
        with pytest.raises(FileFailed, match=f"{tmp_path}/{name}"):
            list(gzip_files.read(tmp_path / name))
