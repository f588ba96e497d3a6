# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finding the client tools of the server's own major."""

from __future__ import annotations

import os

from ..errors import CommandFailed, Refused
from ..model import Target
from ..ports import commands
from . import pg_tools

_SECONDS = 20

_INSTEAD = "Set compress_method to gzip."


def find(target: Target, major: int) -> pg_tools.Tools:
    """pg_dump, pg_restore, psql and pg_dumpall of one major.

    :raises Refused: one is missing, or none of this major was found; the message names what was looked at.
    """
    places = pg_tools.directories(target.bin_dir, major, os.environ.get("PATH", os.defpath))
    seen: list[str] = []
    for place in places:
        found, version = _version_in(place)
        if found == major:
            return _complete(place, major, version)
        if version:
            seen.append(f"{place} has {version}")
    raise Refused(
        f"No client tools of PostgreSQL {major} were found" + (f" ({'; '.join(seen)})." if seen else "."),
        remedy=f"Install postgresql-client-{major} on the target, or name the directory in bin_dir.",
    )


def require_restricting(tools: pg_tools.Tools) -> None:
    """
    :raises CommandFailed: psql would obey the shell commands that are in a script.
    """
    if not pg_tools.restricts(tools):
        raise CommandFailed(
            f"psql {tools.version} has no \\restrict: it would run the shell commands that a script contains "
            "(CVE-2025-8714).",
            remedy=f"Update postgresql-client-{tools.major} on the target to its newest minor release.",
        )


def require_compression(tools: pg_tools.Tools, method: str) -> None:
    """
    :raises Refused: pg_dump cannot write an archive that is compressed by this method.
    """
    compress = pg_tools.compression(method, 1, tools.major)
    if not compress:
        raise Refused(
            f"pg_dump {tools.version} does not know compress_method {method}; 16 and later do.", remedy=_INSTEAD
        )
    if ":" in compress and not _compresses(tools, compress):
        raise Refused(f"pg_dump {tools.version} was built without {method} compression.", remedy=_INSTEAD)


def _compresses(tools: pg_tools.Tools, compress: str) -> bool:
    """pg_dump looks at the method before it connects, and finds no server here."""
    argv = (tools["pg_dump"], "--format=custom", f"--compress={compress}", f"--host={os.devnull}", "--no-password")
    try:
        commands.run(commands.Command(argv, {"LC_ALL": "C"}, time_limit=_SECONDS))
    except CommandFailed as error:
        return "does not support compression with" not in error.stderr
    return True


def _version_in(place: str) -> tuple[int, str]:
    program = commands.find("pg_dump", [place])
    if program is None:
        return 0, ""
    command = commands.Command((program, "--version"), time_limit=_SECONDS)
    try:
        return pg_tools.parse_version(commands.run(command).stdout)
    except CommandFailed as error:
        # Such as Debian's wrapper without any client package; the next place may have what is needed.
        return 0, f"a broken one: {error.what}"


def _complete(place: str, major: int, version: str) -> pg_tools.Tools:
    paths = {program: commands.find(program, [place]) for program in pg_tools.PROGRAMS}
    missing = sorted(program for program, path in paths.items() if path is None)
    if missing:
        raise Refused(
            f"{place} has pg_dump {version}, but no {', '.join(missing)}.",
            remedy=f"Install the whole package postgresql-client-{major}.",
        )
    return pg_tools.Tools(major, version, {program: path for program, path in paths.items() if path})
