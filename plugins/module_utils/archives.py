# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a custom-format archive with pg_restore, without a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import commands, pg_tools
from ansible_collections.pgsafe.migration.plugins.module_utils.database import codec

STALL_SECONDS = 1800


@dataclass(frozen=True)
class Parts:
    """An archive's entries in the order in which they are restored.

    :param schemas: as a list for ``pg_restore --use-list``.
    :param extensions: names, each after those that it requires.
    :param rest: all but the schemas; an extension that is there already is passed over.
    """

    schemas: str
    extensions: tuple[str, ...]
    rest: str


def parts(tools: pg_tools.Tools, archive: Path) -> Parts:
    """
    :raises CommandFailed: its table of contents cannot be read.
    """
    listing = _output(pg_tools.list_of_archive(tools, str(archive)))
    schemas, rest = pg_tools.schema_entries(listing)
    return Parts(schemas, pg_tools.extension_names(listing), rest)


@contextmanager
def list_file(entries: str) -> Iterator[str]:
    """A file for ``pg_restore --use-list``, for the time of the block."""
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8", errors="surrogateescape") as chosen:
        chosen.write(entries)
        chosen.flush()
        yield chosen.name


def sequences(tools: pg_tools.Tools, archive: Path) -> dict[str, str]:
    """The sequence states an archive will set, by label, such as ``42,t``.

    :raises CommandFailed: its table of contents cannot be read.
    """
    listing = _output(pg_tools.list_of_archive(tools, str(archive)))
    with list_file(pg_tools.sequence_entries(listing)) as chosen:
        return pg_tools.sequence_values(_decoded(_output(pg_tools.entries_of_archive(tools, str(archive), chosen))))


def _decoded(script: str) -> str:
    """A script that was taken for UTF-8, in the encoding that it says it has."""
    return script.encode("utf-8", "surrogateescape").decode(codec(pg_tools.encoding_of_script(script)))


def _output(argv: tuple[str, ...]) -> str:
    return commands.output(commands.Command(argv, stall_limit=STALL_SECONDS))
