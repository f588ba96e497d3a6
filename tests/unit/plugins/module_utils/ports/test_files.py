# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files appear whole or not at all; a full disk spoils nothing but what is being written."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.ports import files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@contextmanager
def _full_after(size: int) -> Iterator[None]:
    """No file of this process may grow beyond a size: the writes stop as they do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _half_written(path: Path) -> None:
    with files.atomic(path) as sink:
        sink.write(b"half")
        raise KeyError


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=40)))
def test_the_digest_is_that_of_what_the_file_holds(tmp_path: Path, chunks: list[bytes]) -> None:
    path = tmp_path / "x.csv"
    with files.atomic(path) as sink:
        for chunk in chunks:
            sink.write(chunk)
    content = b"".join(chunks)
    assert path.read_bytes() == content
    assert sink.digest == files.Digest(len(content), hashlib.sha256(content).hexdigest()) == files.sha256_of(path)


def test_a_file_bigger_than_every_buffer_is_written_whole(tmp_path: Path) -> None:
    content = os.urandom(3 * files.BUFFER_BYTES + 7)
    with files.atomic(tmp_path / "big") as sink:
        sink.write(content)
    assert files.sha256_of(tmp_path / "big") == files.Digest(len(content), hashlib.sha256(content).hexdigest())


def test_a_file_has_no_name_before_it_is_whole(tmp_path: Path) -> None:
    with files.atomic(tmp_path / "x") as sink:
        sink.write(b"half")
        sink.flush()
        assert _names(tmp_path) == ["x.partial"]
    assert _names(tmp_path) == ["x"]


def test_a_file_that_failed_leaves_nothing_and_the_older_one_as_it_was(tmp_path: Path) -> None:
    files.write_text(tmp_path / "x", "older")
    with pytest.raises(KeyError):
        _half_written(tmp_path / "x")
    assert (tmp_path / "x").read_text() == "older"
    assert _names(tmp_path) == ["x"]


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.write_text(tmp_path / "text", "x")
        files.append_line(tmp_path / "lines", "x")
        files.make_directory(tmp_path / "directory")
    finally:
        os.umask(before)
    assert [_mode(tmp_path / name) for name in ("text", "lines", "directory")] == [0o600, 0o600, 0o700]


def test_content_and_then_its_directory_are_synced_before_the_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[str]]] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        seen.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, _names(tmp_path)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", create_autospec(os.fsync, side_effect=note))
    files.write_text(tmp_path / "x", "content")
    assert seen == [("x.partial", ["x.partial"]), (tmp_path.name, ["x"])]
    seen.clear()
    files.append_line(tmp_path / "lines", "first")
    files.append_line(tmp_path / "lines", "second")
    assert [name for name, _listed in seen] == ["lines", tmp_path.name, "lines"]


def test_a_full_disk_is_told_with_a_remedy_and_leaves_no_file(tmp_path: Path) -> None:
    with _full_after(4096), pytest.raises(FileFailed, match=r"x\.csv could not be written") as caught:
        files.write_text(tmp_path / "x.csv", "A" * 10_000)
    assert _names(tmp_path) == []
    assert str(caught.value).endswith("Nothing was changed.")


def test_what_a_full_disk_refused_is_never_written_into_another_file(tmp_path: Path) -> None:
    with _full_after(4096):
        with pytest.raises(FileFailed) as caught:
            files.write_text(tmp_path / "x.csv", "A" * 10_000)
        # gets the number of the descriptor that was closed
        files.append_line(tmp_path / "journal", "an event")
        descriptor = os.open(tmp_path / "other", os.O_CREAT | os.O_WRONLY)
        del caught
        os.close(descriptor)
    assert (tmp_path / "other").read_bytes() == b""
    assert (tmp_path / "journal").read_bytes() == b"an event\n"


def test_a_line_that_does_not_fit_the_disk_is_an_error(tmp_path: Path) -> None:
    files.append_line(tmp_path / "journal", "A" * 4085)
    with _full_after(4096), pytest.raises(FileFailed, match="journal could not be extended"):
        files.append_line(tmp_path / "journal", "B" * 100)


def test_no_space_left_is_answered_by_where_to_free_it(tmp_path: Path) -> None:
    with pytest.raises(FileFailed, match=re.escape(f"df -h {tmp_path}")), files.reporting("No", tmp_path / "x"):
        raise OSError(28, "No space left on device")


def test_a_line_that_was_cut_off_spoils_nothing_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"whole\nhal")
    files.append_line(path, "next")
    files.append_line(path, "last")
    assert path.read_bytes() == b"whole\nhal\nnext\nlast\n"


def test_a_symbolic_link_is_never_written_through(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("untouched")
    (tmp_path / "x.partial").symlink_to(tmp_path / "theirs")
    (tmp_path / "journal").symlink_to(tmp_path / "theirs")
    with pytest.raises(FileFailed):
        files.write_text(tmp_path / "x", "ours")
    with pytest.raises(FileFailed):
        files.append_line(tmp_path / "journal", "ours")
    assert (tmp_path / "theirs").read_text() == "untouched"


def test_text_of_another_encoding_is_written_back_byte_for_byte(tmp_path: Path) -> None:
    latin = b'CREATE ROLE "andr\xe9";\n'
    files.write_text(tmp_path / "globals.sql", latin.decode("utf-8", "surrogateescape"))
    assert (tmp_path / "globals.sql").read_bytes() == latin


def test_a_file_that_is_not_utf_8_is_told_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_bytes(b"SELECT '\xe9'")
    with pytest.raises(FileFailed, match=r"x\.sql is not UTF-8 text \(byte 8\)"):
        files.read_text(tmp_path / "x.sql")


def test_a_plain_file_is_no_link_and_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "pipe")
    assert files.read_plain_text(tmp_path / "secret") == "secret"
    for name in ("link", "pipe", "."):
        with pytest.raises(FileFailed):
            files.read_plain_text(tmp_path / name)


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    for read in (files.read_text, files.sha256_of, files.free_space):
        with pytest.raises(FileFailed, match=f"{tmp_path}/nowhere.*No such file"):
            read(tmp_path / "nowhere")


def test_of_two_who_claim_a_directory_one_gets_it(tmp_path: Path) -> None:
    assert [files.make_directory(tmp_path / "run"), files.make_directory(tmp_path / "run")] == [True, False]


def test_a_tree_is_removed_without_what_its_links_point_to(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "deep").mkdir(parents=True)
    (theirs / "deep" / "x").write_text("kept")
    ours = tmp_path / "ours"
    (ours / "sub").mkdir(parents=True)
    (ours / "sub" / "directory").symlink_to(theirs)
    (ours / "file").symlink_to(theirs / "deep" / "x")
    files.remove_tree(ours)
    assert not ours.exists()
    assert (theirs / "deep" / "x").read_text() == "kept"


def test_a_tree_that_is_itself_a_link_is_not_removed_through_it(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "x").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(FileFailed):
        files.remove_tree(tmp_path / "link")
    assert (tmp_path / "theirs" / "x").read_text() == "kept"


def test_a_link_is_pointed_elsewhere_even_when_an_earlier_try_left_its_half(tmp_path: Path) -> None:
    (tmp_path / "latest.partial").symlink_to("nowhere")
    for target in ("first", "second"):
        files.replace_link(tmp_path / "latest", target)
        assert (tmp_path / "latest").readlink() == Path(target)
    assert _names(tmp_path) == ["latest"]


def test_the_free_space_is_what_an_ordinary_user_may_still_use(tmp_path: Path) -> None:
    found, facts = files.free_space(tmp_path), os.statvfs(tmp_path)
    assert 0 < found.bytes <= facts.f_blocks * facts.f_frsize
    assert found.inodes is None or found.inodes <= facts.f_files


def test_every_entry_below_a_directory_is_listed_links_as_links(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x").write_text("1")
    (tmp_path / "a").write_text("22")
    (tmp_path / "link").symlink_to("sub")
    found = files.plain_files(tmp_path)
    assert list(found) == ["a", "link", "sub/x"]
    assert stat.S_ISLNK(found["link"].st_mode)
    assert found["a"].st_size == 2


def test_the_beginning_of_a_file_is_replaced_when_its_end_is_written(tmp_path: Path) -> None:
    with files.atomic(tmp_path / "x") as sink:
        sink.write(b"0000 and the rest")
        sink.replace_beginning(b"1234")
    assert (tmp_path / "x").read_bytes() == b"1234 and the rest"
