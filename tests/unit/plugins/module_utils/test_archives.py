# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sequence states are read out of an archive by its own tools; here a program says what pg_restore 15 said."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils import archives, pg_tools
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import CommandFailed

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
