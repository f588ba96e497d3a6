# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restored copies of a backup: always in a fresh, empty database beside the live one, never in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    commands,
    fingerprint,
    gzip_files,
    pg_tools,
    properties,
    queries,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.database import (
    WRITING,
    Session,
    environment,
    identifier,
    literal,
    session,
    statement,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    CommandFailed,
    PgsafeError,
    Refused,
    VerificationFailed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import ARCHIVE, SCRIPT, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import Target

STALL_SECONDS = 1800

# A copy is either proven afterwards or dropped, so its commits need not wait for the disk one by one.
_LOADING = {**WRITING, "synchronous_commit": "off", "statement_timeout": "0", "lock_timeout": "0"}
_MARK = "pgsafe"


@dataclass(frozen=True)
class Source:
    """A backup to restore from, and the means."""

    directory: Path
    manifest: Manifest
    tools: pg_tools.Tools
    jobs: int


def create(target: Target, name: str, source: Source) -> None:
    """An empty database with the original's owner, encoding and locale.

    :raises Refused: the name is taken by a database that is not a leftover of ours.
    """
    with session(target.maintenance, WRITING, "restore") as server:
        mark = f"{_MARK}: a copy being restored from the backup {source.manifest.run_id}"
        _clear(server, name, mark)
        server.execute(properties.creation(name, source.manifest.properties))
        server.execute(
            statement("COMMENT ON DATABASE {name} IS {mark}", name=identifier(name), mark=literal(mark)),
        )


def _clear(server: Session, name: str, mark: str) -> None:
    """Drop what an interrupted restore of the same backup has left under this name, and nothing else."""
    found = server.rows(queries.DATABASE_COMMENT, (name,))
    if not found:
        return
    if found[0][0] == mark:
        server.execute(statement("DROP DATABASE {name} WITH (FORCE)", name=identifier(name)))
        return
    raise Refused(
        f"A database {name} exists already.",
        remedy="Choose another name.",
    )


def load_archive(target: Target, name: str, source: Source) -> None:
    """pg_restore with several jobs; the first error ends it.

    Its jobs may lock each other out (a constraint NOT VALID of a partitioned table against the rows of a partition);
    then it is done once more in an empty database, by one job.
    """
    try:
        _load_archive(target, name, source, source.jobs)
    except CommandFailed as error:
        if source.jobs == 1 or "deadlock detected" not in error.stderr:
            raise
        create(target, name, source)
        _load_archive(target, name, source, jobs=1)


def _load_archive(target: Target, name: str, source: Source, jobs: int) -> None:
    argv = pg_tools.restore_archive(source.tools, str(source.directory / ARCHIVE), name, jobs, target.session_role)
    _without_public(target, name, source)
    commands.run(_command(target, name, argv))


def _without_public(target: Target, name: str, source: Source) -> None:
    """A new database has a schema ``public``; where the original has none, the empty one goes."""
    if "public" in source.manifest.fingerprint.catalog.get("schema", {}):
        return
    with session(target.database(name), WRITING, "restore") as copy:
        copy.execute("DROP SCHEMA IF EXISTS public RESTRICT")


def load_script(target: Target, name: str, source: Source) -> None:
    """The SQL script through psql in one transaction; a script that is cut never reaches its end of file."""
    _without_public(target, name, source)
    argv = pg_tools.run_script(source.tools, ["-"], single_transaction=True)
    commands.write_from(_command(target, name, argv), gzip_files.read(source.directory / SCRIPT))


def _command(target: Target, name: str, argv: tuple[str, ...]) -> commands.Command:
    env = environment(target.database(name), _LOADING, "restore")
    return commands.Command(argv, env, stall_limit=STALL_SECONDS)


def analyze(target: Target, name: str) -> None:
    """Statistics are in no dump: without them the first queries after a restore are slow."""
    with session(target.database(name), WRITING, "analyze") as copy:
        copy.execute("ANALYZE")


def compare(target: Target, name: str, source: Source) -> None:
    """
    :raises VerificationFailed: the copy is not what the manifest says; the message lists the differences.
    """
    found = fingerprint.of_database(target.database(name), source.jobs, like=source.manifest.fingerprint)
    differing = fingerprint.differences(source.manifest.fingerprint, found)
    if differing:
        shown = "; ".join(differing[:20]) + (f"; and {len(differing) - 20} more" if len(differing) > 20 else "")
        raise VerificationFailed(f"The restored copy {name} differs from the manifest: {shown}.")


def drop(target: Target, name: str) -> None:
    """Drop a copy of ours; nothing happens when it is not there."""
    with session(target.maintenance, WRITING, "drop") as server:
        server.execute(statement("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=identifier(name)))


@contextmanager
def scratch(target: Target, name: str, source: Source) -> Iterator[None]:
    """An empty database for the time of the block, dropped whatever happens."""
    create(target, name, source)
    try:
        yield
    except PgsafeError as error:
        _drop_after(target, name, error)
        raise
    except BaseException:
        drop(target, name)
        raise
    drop(target, name)


def _drop_after(target: Target, name: str, error: PgsafeError) -> None:
    try:
        drop(target, name)
    except PgsafeError as undo:
        error.joined(f"the scratch database {name} could not be dropped: {undo.what}")
