# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration set: SQL files in their order, or a command, and the digest that tells one set from another.

Read on the controller by the action plugin, which ships the whole tree, and read again on the target.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import BadRequest
from ..ports.files import atomic, make_directory, read_text, remove_tree, reporting, sha256_of
from . import conventions, file_rules
from .pending import NOTHING, File, Listing

# A tree may be a whole application.
_MOST_NAMED = 1000


@dataclass(frozen=True)
class SqlFile:
    """:param name: relative to the set's root.
    :param transactional: run in one transaction; a file says otherwise by its first line.
    :param sha256: of its content, hexadecimal.
    :param repeatable: run again whenever its content has changed.
    :param text: what runs of it, in its own lines; empty when all of it does.
    :param parts: the files of the set that it includes or copies from, by name and SHA-256.
    """

    name: str
    transactional: bool
    sha256: str
    repeatable: bool = False
    text: str = ""
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tree:
    """The files that a command runs.

    :param digest: SHA-256 of every path and content; empty without a tree.
    :param files: their paths and SHA-256.
    """

    digest: str = ""
    files: tuple[tuple[str, str], ...] = ()

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The files, where they are few enough for a promotion record."""
        return self.files if len(self.files) <= _MOST_NAMED else ()


NO_TREE = Tree()


@dataclass(frozen=True)
class MigrationSet:
    """:param root: the directory that holds the files, and whatever they include.
    :param files: in the order in which they run; empty for a command.
    :param command: the argument list, empty for SQL files.
    :param digest: SHA-256 of every path and content of the tree and of the order, or of the command and its tree.
    :param listing: the files as the history of a database is compared with them; empty for a command.
    :param tree: of a command, what it runs.
    :param by_tasks: the command only waits for the user's own tasks.
    """

    root: Path
    files: tuple[SqlFile, ...]
    command: tuple[str, ...]
    digest: str
    listing: Listing = NOTHING
    tree: Tree = NO_TREE
    by_tasks: bool = False

    @property
    def names(self) -> list[str]:
        if self.by_tasks:
            return ["the task file"]
        return [file.name for file in self.files] or [" ".join(self.command)]


def read(source: Path, chosen: Sequence[str] = ()) -> MigrationSet:
    """The set of SQL files of a directory, or of one file.

    :param chosen: names inside the directory in their order; those of :func:`conventions.chosen` when empty.
    :raises BadRequest: a file is missing, unreadable, empty, not UTF-8, or breaks one of :mod:`file_rules`.
    """
    if not source.exists():
        raise BadRequest(f"There is no migration set at {source}.", remedy="Check the path, relative to the inventory.")
    if source.is_file() and list(chosen) not in ([], [source.name]):
        raise BadRequest(f"{source} is a file, but files names other files.", remedy="Set source to their directory.")
    root = source if source.is_dir() else source.parent
    tree = _tree(root if source.is_dir() else source)
    names = [posixpath.normpath(name) for name in chosen] or conventions.chosen(tree)
    if not names:
        raise BadRequest(f"There is no SQL file in {source}.", remedy="Name the files, or end their names in .sql.")
    files = tuple(_file(root, name, tree) for name in names)
    listing = Listing(
        tuple(File(file.name, file.sha256, file.repeatable, file.parts) for file in files),
        tuple(name for name in tree if name not in names),
        whole=source.is_dir(),
    )
    return MigrationSet(root, files, (), _digest({"order": names, "tree": tree}), listing)


def of_command(
    argv: Sequence[str], tree: Path | None, environment: Mapping[str, str], chdir: str | None
) -> MigrationSet:
    """A command, and the tree of what it runs, if one is named.

    :raises BadRequest: there is nothing to run, or no such tree.
    """
    if not argv or not argv[0]:
        raise BadRequest("The command is empty.")
    if tree is not None and not tree.exists():
        raise BadRequest(f"{tree}, which the command's digest covers, does not exist.")
    names = sorted(environment)
    found = _tree(tree) if tree else {}
    digest = _digest({"command": list(argv), "chdir": chdir, "environment": names, "tree": found})
    of_tree = Tree(_digest(found), tuple(found.items())) if found else NO_TREE
    return MigrationSet(tree or Path(chdir or "/"), (), tuple(argv), digest, tree=of_tree)


def _tree(path: Path) -> dict[str, str]:
    with reporting(f"{path} could not be read", path):
        members = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if _counts(entry))
    root = path.parent if path.is_file() else path
    return {str(member.relative_to(root)): sha256_of(member).sha256 for member in members}


def _counts(entry: Path) -> bool:
    """Python leaves compiled files behind: running a command must not make another set of it."""
    return entry.is_file() and entry.parent.name != "__pycache__"


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _file(root: Path, name: str, tree: Mapping[str, str]) -> SqlFile:
    path = root / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise BadRequest(f"{name} lies outside the migration set {root}.")
    if not path.is_file():
        raise BadRequest(f"The migration set {root} has no file {name}.", remedy="Check the names in files.")
    text = read_text(path).lstrip("\ufeff")
    if not text.strip():
        raise BadRequest(f"{path} is empty.", remedy="Remove it from the set, or fill it.")
    marked = conventions.marked(name, text)
    used = file_rules.check(root, name, marked.text or text, marked.transactional, tree)
    parts = tuple((other, tree[other]) for other in used)
    return SqlFile(name, marked.transactional, tree[name], marked.repeatable, marked.text, parts)


@dataclass(frozen=True)
class Preview:
    """:param steps: the names of the files, or the command as one step.
    :param listing: as in :class:`MigrationSet`.
    :param tree: likewise.
    """

    digest: str
    steps: list[str]
    listing: Listing
    tree: Tree = NO_TREE


@dataclass(frozen=True)
class SetSource:
    """Where a migration set comes from, before it is read.

    :param source: a directory or file of the target, or of the controller when there is a bundle.
    :param bundle: the packed tree that the controller shipped.
    :param digest: what the set must turn out to be, when the controller has read it; else empty.
    :param listing: the files, when the controller has read them.
    :param tree: for a command, the directory of what it runs.
    :param tasks: what identifies the user's own tasks; the command waits for them.
    :param word: the file that appears when the tasks are done.
    """

    source: Path | None = None
    bundle: Path | None = None
    files: tuple[str, ...] = ()
    digest: str = ""
    listing: Listing = NOTHING
    command: tuple[str, ...] = ()
    tree: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    chdir: str | None = None
    tasks: str = ""
    word: Path | None = None

    @property
    def by_command(self) -> bool:
        """Whether a command of the user's own migrates."""
        return bool(self.command and not self.tasks)

    def preview(self) -> Preview:
        """What the set is, before it is applied; what the controller has read is not read again."""
        if self.listing.files:
            return Preview(self.digest, list(self.files), self.listing)
        found = self._read(Path())
        return Preview(found.digest, found.names, found.listing, found.tree)

    def load(self, staging: Path) -> MigrationSet:
        """Read the set; a bundle is unpacked into a fresh directory of that name first.

        :raises BadRequest: it cannot be used, or is not the set that the controller read.
        """
        found = self._read(staging)
        if self.digest and found.digest != self.digest:
            raise BadRequest("The migration set that arrived on the target is not the one that was sent.")
        return replace(found, listing=self.listing) if self.bundle else found

    def _read(self, staging: Path) -> MigrationSet:
        if self.tasks:
            return MigrationSet(Path("/"), (), self.command, _digest({"tasks": self.tasks}), by_tasks=True)
        if self.command:
            return of_command(self.command, self.tree, self.environment, self.chdir)
        if self.source is None:
            raise BadRequest("There is nothing to apply.", remedy="Give source, or command.")
        if self.bundle is None:
            return read(self.source, self.files)
        if staging.exists():
            remove_tree(staging)
        make_directory(staging)
        unpack(self.bundle, staging)
        single = self.source.name if len(self.files) == 1 and self.source.name == self.files[0] else ""
        return read(staging / single, self.files)


def pack(migration: MigrationSet, source: Path) -> bytes:
    """The tree as an uncompressed tar archive; the same tree gives the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in _tree(source):
            data = (migration.root / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unpack(bundle: Path, directory: Path) -> None:
    """Lay a packed tree down in an empty directory; nothing outside it is ever written.

    :raises BadRequest: the bundle names something that is no plain file below the directory.
    """
    with (
        reporting(f"The migration set could not be unpacked in {directory}", directory),
        tarfile.open(bundle) as archive,
    ):
        for entry in archive:
            stream = archive.extractfile(entry) if entry.isfile() else None
            if stream is None or entry.name.startswith("/") or ".." in Path(entry.name).parts:
                raise BadRequest(f"The bundle names something that is not a file of the set: {entry.name!r}.")
            path = directory / entry.name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic(path) as sink:
                sink.write(stream.read())
