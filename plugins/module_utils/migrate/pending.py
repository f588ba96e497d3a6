# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files of a set are still to be applied, by the database's own history; pure.

A file runs once. A repeatable one runs again whenever its content has changed. Whatever would make the history of this
database another one than that of the files is refused before anything is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..codec import decoded
from ..errors import BadRequest, Refused
from ..journal.applied_files import COMMAND, REPEATED, AppliedFile

_CHANGED, _AGAIN = "pg_migrate_history.changed_files", "pg_migrate_history.apply_again"


@dataclass(frozen=True)
class File:
    """A file of the set.

    :param sha256: of its content, hexadecimal.
    :param parts: the files of the set that it names, by name and SHA-256; of a command its tree.
    :param tree: of a command, the files of its tree, where they are few.
    """

    name: str
    sha256: str
    repeatable: bool = False
    parts: tuple[tuple[str, str], ...] = ()
    tree: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Listing:
    """A migration set.

    :param files: in the order in which they run.
    :param others: the names of all other files of the set's directory.
    :param whole: it is a whole directory, so that a file that is not there has vanished.
    """

    files: tuple[File, ...]
    others: tuple[str, ...] = ()
    whole: bool = True


def read(text: str) -> Listing:
    """What the controller has sent, by :func:`codec.encoded`; :data:`NOTHING` for an empty text."""
    found: Listing = decoded(text, (Listing, File)) if text else NOTHING
    return found


NOTHING = Listing((), whole=False)


@dataclass(frozen=True)
class Accepted:
    """What a person accepts, with a reason each.

    :param changed: by the name of a file, why it may differ from what was applied; it is not applied again.
    :param again: by the name of a file, why it is applied although it, or an earlier form of it, was applied before.
    :param out_of_order: a pending file may stand before one that was applied.
    :param baseline: the last of the files that the database has already, applied by another tool; empty for none.
    """

    changed: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, str] = field(default_factory=dict)
    out_of_order: bool = False
    baseline: str = ""


@dataclass(frozen=True)
class Pending:
    """:param files: to be applied, in the order in which they run.
    :param baseline: to be recorded without being run.
    :param changed: differ from what was applied, which was accepted.
    """

    files: tuple[File, ...] = ()
    baseline: tuple[File, ...] = ()
    changed: tuple[File, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.baseline)


def of(listing: Listing, history: Sequence[AppliedFile], set_name: str, accepted: Accepted) -> Pending:
    """What is still to be done.

    :param history: of the whole database, the newest last.
    :param set_name: the set that the files are of.
    :raises BadRequest: a file is accepted that is not in the set, or without a reason.
    :raises Refused: history and files contradict each other; the message has every contradiction.
    """
    _require_reasons(listing, accepted)
    of_files = [file for file in history if file.kind != COMMAND]
    own = {file.name: file for file in of_files if file.set_name == set_name}
    others = [file for file in of_files if file.set_name != set_name]
    _require_none(list(_contradictions(listing, own, others, accepted)))
    baseline = _baseline(listing, own, accepted.baseline)
    todo = [file for file in listing.files if _is_pending(file, own.get(file.name), accepted) and file not in baseline]
    changed = [file for file in listing.files if file.name in accepted.changed and _differs(file, own.get(file.name))]
    return Pending(tuple(sorted(todo, key=lambda file: file.repeatable)), baseline, tuple(changed))


def _baseline(listing: Listing, own: Mapping[str, AppliedFile], last: str) -> tuple[File, ...]:
    """
    :raises BadRequest: there is no such file.
    :raises Refused: the database has a history of this set, which would be written over.
    """
    once = [file for file in listing.files if not file.repeatable]
    names = [file.name for file in once]
    if not last:
        return ()
    if last not in names:
        raise BadRequest(f"pg_migrate_baseline names {last}, which is no versioned file of the migration set.")
    upto = tuple(once[: names.index(last) + 1])
    if all(file.name in own for file in upto):
        return ()
    if own:
        raise Refused(
            f"The database has a history of this set already, of {len(own)} files, so no baseline can be set.",
            remedy="Leave pg_migrate_baseline out.",
        )
    return upto


def _differs(file: File, before: AppliedFile | None) -> bool:
    return before is not None and before.sha256 != file.sha256


# What a file is, by files and history together.
APPLIED, PENDING, CHANGED, MISSING, RECORDED = STATES = ("applied", "pending", "changed", "missing", "recorded")


@dataclass(frozen=True)
class FileState:
    """A file of the set, or of the history alone.

    :param state: one of :data:`STATES`. ``changed`` is for a file that may not be changed, while a repeatable file that
        has changed is ``pending``. ``recorded`` is what the history knows of files that were not given: other sets, and
        commands.
    :param applied: the newest time that it was applied; None for never.
    """

    name: str
    state: str
    repeatable: bool
    applied: AppliedFile | None


def states(listing: Listing, history: Sequence[AppliedFile], set_name: str) -> list[FileState]:
    """The files in the order in which they run, behind those that are missing; then the rest of the history.

    :param listing: :data:`NOTHING` where no files were given.
    :param history: of the whole database, the newest last.
    """
    own = {file.name: file for file in history if file.set_name == set_name and file.kind != COMMAND}
    there = {file.name for file in listing.files} | set(listing.others)
    gone = MISSING if listing.whole else RECORDED
    missing = [FileState(name, gone, file.kind == REPEATED, file) for name, file in own.items() if name not in there]
    files = [
        FileState(file.name, _state(file, before), file.repeatable, before)
        for file in listing.files
        for before in (own.get(file.name),)
    ]
    rest = {(file.set_name, file.name, file.sha256): file for file in history if file not in own.values()}
    others = [file for file in rest.values() if file.set_name != set_name or file.kind == COMMAND]
    return [*missing, *files, *[FileState(file.name, RECORDED, file.kind == REPEATED, file) for file in others]]


def _state(file: File, before: AppliedFile | None) -> str:
    if before is None:
        return PENDING
    if before.sha256 == file.sha256:
        return APPLIED
    return PENDING if file.repeatable else CHANGED


def _require_none(findings: Sequence[tuple[str, str]]) -> None:
    if findings:
        whats = [what for what, _way_out in findings]
        listed = f" {whats[0]}." if len(whats) == 1 else "".join(f"\n- {what}" for what in whats)
        raise Refused(
            f"The migration files contradict the history of the database:{listed}",
            remedy=" ".join(dict.fromkeys(way_out for _what, way_out in findings)),
        )


def _require_reasons(listing: Listing, accepted: Accepted) -> None:
    names = {file.name for file in listing.files}
    for option, reasons in ((_CHANGED, accepted.changed), (_AGAIN, accepted.again)):
        for name, reason in reasons.items():
            if names and name not in names:
                raise BadRequest(f"{option} names {name}, which is not in the migration set.")
            if not str(reason or "").strip():
                raise BadRequest(f"{option} gives no reason for {name}.")


def _is_pending(file: File, before: AppliedFile | None, accepted: Accepted) -> bool:
    if before is None or file.name in accepted.again:
        return True
    return file.repeatable and before.sha256 != file.sha256


def _contradictions(
    listing: Listing, own: Mapping[str, AppliedFile], others: Sequence[AppliedFile], accepted: Accepted
) -> Iterator[tuple[str, str]]:
    """What contradicts, and the way out."""
    yield from _changed(listing, own, accepted)
    yield from _vanished(listing, own)
    yield from _renamed(listing, own, accepted)
    if not accepted.out_of_order:
        yield from _out_of_order(listing, own, accepted)
    yield from _of_another_set(listing, own, others, accepted)


def _changed(
    listing: Listing, own: Mapping[str, AppliedFile], accepted: Accepted
) -> Iterator[tuple[str, str]]:
    for file in listing.files:
        before = own.get(file.name)
        named = file.name in accepted.changed or file.name in accepted.again
        if before and before.sha256 != file.sha256 and not file.repeatable and not named:
            yield (
                f"{file.name} has changed since the run {before.run_id} applied it "
                f"(SHA-256 {before.sha256[:12]}… then, {file.sha256[:12]}… now)",
                f"Restore the file as it was applied, and put the change into a new file. To accept a harmless change: "
                f"{_CHANGED}: {{FILE: reason}}. To apply it once more: {_AGAIN}: {{FILE: reason}}.",
            )


def _vanished(listing: Listing, own: Mapping[str, AppliedFile]) -> Iterator[tuple[str, str]]:
    if not listing.whole:
        return
    there = {file.name for file in listing.files} | set(listing.others)
    for name, before in own.items():
        if name not in there and not _moved(before, listing):
            yield (
                f"{name}, applied by the run {before.run_id}, is no longer in the set",
                "Put the file back. If these are the files of another application: pg_migrate_set_name: NAME. If a "
                "part of the files is enough here: pg_migrate_files.",
            )


def _moved(before: AppliedFile, listing: Listing) -> bool:
    return any(file.sha256 == before.sha256 for file in listing.files)


def _renamed(listing: Listing, own: Mapping[str, AppliedFile], accepted: Accepted) -> Iterator[tuple[str, str]]:
    by_sum = {file.sha256: file for file in own.values()}
    for file in listing.files:
        before = by_sum.get(file.sha256)
        if before and file.name not in own and file.name not in accepted.again and not file.repeatable:
            yield (
                f"{file.name} was applied as {before.name} by the run {before.run_id}",
                f"Give it back the name {before.name}. To apply it once more: {_AGAIN}: {{FILE: reason}}.",
            )


def _out_of_order(
    listing: Listing, own: Mapping[str, AppliedFile], accepted: Accepted
) -> Iterator[tuple[str, str]]:
    once = [file for file in listing.files if not file.repeatable]
    applied = [place for place, file in enumerate(once) if file.name in own]
    last = applied[-1] if applied else -1
    for file in once[: last + 1]:
        if file.name not in own and file.name not in accepted.again:
            yield (
                f"{file.name} is pending, but comes before {once[last].name}, which was applied by the run "
                f"{own[once[last].name].run_id}",
                "Name it so that it comes last. If the order does not matter, set pg_migrate_history.out_of_order.",
            )


def _of_another_set(
    listing: Listing, own: Mapping[str, AppliedFile], others: Sequence[AppliedFile], accepted: Accepted
) -> Iterator[tuple[str, str]]:
    """Where this set has a history of its own, two applications may have a file in common."""
    there = {(file.name, file.sha256): file for file in others}
    for file in [] if own else listing.files:
        other = there.get((file.name, file.sha256))
        if other and file.name not in accepted.again:
            yield (
                f"{file.name} was applied by the run {other.run_id} as a file of the set {other.set_name}",
                f"Name the set of the files: pg_migrate_set_name: {other.set_name}. If both applications have "
                f"this file: {_AGAIN}: {{FILE: reason}}.",
            )
