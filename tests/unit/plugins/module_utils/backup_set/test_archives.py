# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sequence states are read out of an archive by its own tools; here a program says what pg_restore 15 said."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import archives
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed, VerificationFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import pg_tools

PROGRAM = r"""#!/bin/sh
case "$*" in
  --list*) printf '; Archive created at 2026-11-16\n3323; 0 16386 TABLE DATA public members app\n'
           printf '3331; 0 0 SEQUENCE SET public members_id_seq app\n'
           printf '3332; 0 0 SEQUENCE SET public andr\351 app\n' ;;
  --use-list=*) list="${1#--use-list=}"
           [ "$(wc -l < "$list")" -eq 2 ] || exit 1
           grep -aq "$(printf 'andr\351')" "$list" || exit 1
           printf "SELECT pg_catalog.setval('public.members_id_seq', 42, true);\n" ;;
esac
"""


def _tools(directory: Path, program: str) -> pg_tools.Tools:
    path = directory / "pg_restore"
    path.write_text(program)
    path.chmod(0o755)
    return pg_tools.Tools(15, "15.18", {"pg_restore": str(path)})


def test_the_entries_that_set_sequences_are_asked_for_whatever_their_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    found = archives.sequences(_tools(tmp_path, PROGRAM), tmp_path / "full_backup.dump")
    assert found == {"public.members_id_seq": "42,t"}


def test_an_archive_that_cannot_be_read_is_told_in_pg_restore_s_words(tmp_path: Path) -> None:
    tools = _tools(
        tmp_path, "#!/bin/sh\necho 'pg_restore: error: did not find magic string in file header' >&2\nexit 1\n"
    )
    with pytest.raises(CommandFailed, match="did not find magic string"):
        archives.sequences(tools, tmp_path / "x")


def test_a_script_that_is_not_in_the_encoding_it_names_is_told(tmp_path: Path) -> None:
    program = "#!/bin/sh\nprintf \"SET client_encoding = 'NOSUCH';\\n\"\n"
    with pytest.raises(VerificationFailed, match="says that it is in NOSUCH"):
        archives.sequences(_tools(tmp_path, program), tmp_path / "x")


def _text(value: str) -> bytes:
    return b"\0" + len(value).to_bytes(4, "little") + value.encode()


def _head(version: tuple[int, int], written_by: str, compression: bytes) -> bytes:
    """The head of an archive as pg_dump has written it since 9.0 (compression: a number, then since 16 a byte)."""
    date = b"\0\1\0\0\0" * 7
    fixed = bytes([*version, 0, 4, 8, 1])
    return b"PGDMP" + fixed + compression + date + _text("odd 99 name") + _text("14.2") + _text(written_by)


@pytest.mark.parametrize(
    ("head", "major"),
    [
        (_head((1, 16), "18.6", b"\1"), 18),
        (_head((1, 15), "16.1 (Debian 16.1-1)", b"\0"), 16),
        (_head((1, 14), "15.18 (Debian 15.18-0+deb12u1)", b"\1\1\0\0\0"), 15),
    ],
)
def test_the_head_of_an_archive_says_which_pg_dump_wrote_it(head: bytes, major: int) -> None:
    assert archives.major_of(head) == major


@pytest.mark.parametrize("head", [b"", b"PGDM", b"something else", b"PGDMP\1\x10\0\4\10\1\1", b"PGDMP\1"])
def test_what_is_no_head_of_an_archive_is_told(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it (does|ends) "):
        archives.major_of(head)
