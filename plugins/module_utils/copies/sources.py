# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a copy of a backup can be restored from, tried in order, each in a fresh database of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..backup_set import manifest as manifests
from ..backup_set.manifest import Manifest
from ..errors import CommandFailed, FileFailed, NotABackup, QueryFailed, Refused, VerificationFailed
from ..journal.journal import of_run
from ..model import Fingerprint, Target
from ..ports import files, safe_paths
from ..ports.database import session
from ..postgres import client_tools
from . import as_restored
from . import copy as copies


@dataclass(frozen=True)
class Tried:
    """:param method: ``archive`` or ``script``.
    :param failures: why each one before it failed.
    :param views: entries of the archive whose materialized views are still to be filled, by :func:`copies.fill`.
    """

    method: str
    failures: tuple[str, ...]
    views: tuple[str, ...] = ()


def _load_archive(target: Target, name: str, source: copies.Source) -> tuple[str, ...]:
    """A view that cannot be filled now, such as one over dblink to the database that is fenced, costs no rollback."""
    try:
        copies.load_archive(target, name, source)
    except CommandFailed as error:
        if "REFRESH MATERIALIZED VIEW" not in error.stderr:
            raise
        copies.create(target, name, source)
        return copies.load_archive_but_views(target, name, source)
    return ()


def _load_script(target: Target, name: str, source: copies.Source) -> tuple[str, ...]:
    copies.load_script(target, name, source)
    return ()


@dataclass(frozen=True)
class _Method:
    """:param load: fills an empty database; entries of views that it has left out."""

    name: str
    kind: str
    load: Callable[[Target, str, copies.Source], tuple[str, ...]]


_METHODS = (_Method("archive", "dump", _load_archive), _Method("script", "sql", _load_script))


def of(target: Target, directory: Path, manifest: Manifest, jobs: int) -> copies.Source:
    """
    :raises Refused: another user could replace the backup.
    :raises PgsafeError: no client tools of the server's major are found.
    """
    safe_paths.require(directory)
    with session(target.maintenance, purpose="restore") as server:
        tools = client_tools.find(target, server.version // 10000)
    return copies.Source(directory, manifest, tools, jobs, _as_restored(directory, manifest))


def _as_restored(directory: Path, manifest: Manifest) -> Fingerprint | None:
    """What cannot be used is passed over: the manifest's own fingerprint is there to compare with."""
    run_journal = of_run(directory.parent.parent, manifest.run_id)
    if run_journal is None:
        return None
    with suppress(NotABackup, FileFailed):
        return as_restored.read(run_journal.directory, manifests.digest_of(directory))
    return None


def restored(target: Target, source: copies.Source, name: str) -> Tried:
    """A verified copy from the first format that gives one.

    :raises PgsafeError: none gave one; every half-restored copy was dropped.
    """
    failures: list[str] = []
    for method in _METHODS:
        try:
            views = _attempt(target, source, name, method)
        except (CommandFailed, FileFailed, QueryFailed, VerificationFailed) as error:
            failures.append(f"{method.name}: {error.what}")
        else:
            return Tried(method.name, tuple(failures), views)
    raise Refused(
        "Neither the archive nor the SQL script could be restored. " + " ".join(failures),
        remedy="Read the reasons, fix them (disk, roles, extensions), and run the rollback again.",
    )


def _attempt(target: Target, source: copies.Source, name: str, method: _Method) -> tuple[str, ...]:
    file = source.manifest.file(method.kind)
    if file is None:
        raise FileFailed("The backup does not hold it.")
    if files.sha256_of(source.directory / file.name).sha256 != file.sha256:
        raise VerificationFailed(f"{file.name} is not the file that was written: its SHA-256 differs.")
    with copies.new(target, name, source):
        views = method.load(target, name, source)
        copies.analyze(target, name)
        copies.compare(target, name, source, views_filled=not views)
    return views
