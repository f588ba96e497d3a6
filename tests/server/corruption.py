# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random damage to a real backup: drawn from a seed, done, judged, and undone.

An *accident* must be found at level checksum, whatever it hit. An *inside job*, which makes every checksum agree, must
be found at level restore if it changed any content. Content is: the SQL text that the archive decodes to and that the
script holds, without their random keys; the records of each CSV; what a database restored from the archive has by
fingerprint. What passes must have all of it as it was. What it may have changed: what nobody reads (the time in the
head of a gzip file, a date in the archive's own head), a fact of the manifest that describes the original, and an
attribute of a role in globals.sql, for which nothing vouches but its checksum.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import csv_records, manifest, scripts
from ansible_collections.pgsafe.migration.plugins.module_utils.compare import fingerprint
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import PgsafeError
from ansible_collections.pgsafe.migration.plugins.module_utils.model import AS_RESTORED, Fingerprint
from ansible_collections.pgsafe.migration.tests.server import forgery
from ansible_collections.pgsafe.migration.tests.server.support import Database

LIKELY_BYTES = 64
"""Heads and tails of files are hit more often than their size would have it: there are the fields that steer."""


@dataclass(frozen=True)
class Damage:
    """One thing done to a backup.

    :param description: enough to do it again by hand.
    :param edit: what an inside job does to the manifest besides; None when the damage is to a file.
    """

    kind: str
    description: str
    do: Callable[[Path], object]
    edit: Callable[[forgery.Facts], object] | None = None


def drawn(chance: random.Random, directory: Path, other: Path, kinds: tuple[str, ...]) -> Damage:
    """The next damage.

    :param other: the directory of another backup of the same database, with other content.
    """
    kind = chance.choice(kinds)
    return _KINDS[kind](chance, directory, other)


def _names(directory: Path) -> list[str]:
    """Every file but the list of checksums, which an inside job writes anew; its own tests damage that one.

    The log of the run is no part of the backup: it grows.
    """
    parts = [path.name for path in directory.iterdir() if path.suffix != ".log"]
    return sorted(name for name in parts if name != manifest.CHECKSUMS)


def _flip(chance: random.Random, directory: Path, _other: Path) -> Damage:
    name = chance.choice([name for name in _names(directory) if (directory / name).stat().st_size])
    bits = (directory / name).stat().st_size * 8
    edge = min(bits, LIKELY_BYTES * 8)
    bit = chance.choice([chance.randrange(bits), chance.randrange(bits), chance.randrange(edge)])
    return Damage("flip", f"bit {bit} of {name}", lambda place: forgery.flip(place / name, bit))


def _cut(chance: random.Random, directory: Path, _other: Path) -> Damage:
    name = chance.choice([name for name in _names(directory) if (directory / name).stat().st_size])
    size = (directory / name).stat().st_size
    length = chance.choice([chance.randrange(size), size - 1, 0])
    return Damage("cut", f"{name} cut to {length} of {size} bytes", lambda place: forgery.cut(place / name, length))


def _swap(chance: random.Random, directory: Path, other: Path) -> Damage:
    """Two files of the backup, or one with its namesake of another backup."""
    one, two = chance.sample(_names(directory), 2)
    same = [name for name in _names(other) if _bytes(other / name) != _bytes(directory / name)]
    namesake = chance.choice(sorted(set(same) & set(_names(directory))))
    if chance.random() < 0.5:
        return Damage("swap", f"{one} and {two} swapped", lambda place: _exchange(place / one, place / two))
    foreign = _bytes(other / namesake)
    return Damage("swap", f"{namesake} of another backup", lambda place: (place / namesake).write_bytes(foreign))


def _exchange(one: Path, two: Path) -> None:
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _alter(chance: random.Random, directory: Path, _other: Path) -> Damage:
    """One value of the manifest is another one."""
    facts = json.loads((directory / manifest.MANIFEST).read_text())
    path = chance.choice(list(_leaves(facts)))
    value = _at(facts, path)
    new = _another(chance, value)

    def edit(place: forgery.Facts) -> None:
        _at(place, path[:-1])[path[-1]] = new

    def do(place: Path) -> None:
        text = json.loads((place / manifest.MANIFEST).read_text())
        edit(text)
        (place / manifest.MANIFEST).write_text(json.dumps(text))

    return Damage("alter", f"{'.'.join(map(str, path))} is {new!r} instead of {value!r}", do, edit)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a document is."""
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(below, (*path, key))
    else:
        yield path


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _another(chance: random.Random, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return value + chance.choice([-1, 1, 1000])
    place = chance.randrange(len(value) + 1)
    return chance.choice([value[:place] + "x" + value[place:], value[:place] + value[place + 1 :] + "y", 7])


_KINDS: dict[str, Callable[[random.Random, Path, Path], Damage]] = {
    "flip": _flip,
    "cut": _cut,
    "swap": _swap,
    "alter": _alter,
}


@dataclass(frozen=True)
class Content:
    """What a backup holds, in the sense of this module."""

    archive: bytes
    script: bytes
    csvs: dict[str, csv_records.Bag]
    fingerprint: Fingerprint


def content(database: Database, directory: Path) -> Content:
    """Read by other ways than the verification's, where there are any."""
    derive = [str(database.server.bin_dir / "pg_restore"), "--file=-", str(directory / manifest.ARCHIVE)]
    derived = subprocess.run(derive, capture_output=True, check=True, timeout=forgery.STALL_SECONDS).stdout
    stored = manifest.read(directory)
    return Content(
        archive=b"".join(scripts.canonical(iter([derived]))),
        script=b"".join(scripts.canonical(iter([gzip.decompress((directory / manifest.SCRIPT).read_bytes())]))),
        csvs={
            file.table: csv_records.bag((directory / file.name).read_bytes().splitlines(keepends=True))
            for file in stored.csv_files
        },
        fingerprint=stored.fingerprint,
    )


def differences(before: Content, after: Content) -> list[str]:
    """What of the content is other; what a fingerprint has for information alone (an extension's version) is none."""
    parts = {
        "the archive's text": (before.archive, after.archive),
        "the script's text": (before.script, after.script),
        "the CSVs": (before.csvs, after.csvs),
    }
    told = [what for what, (one, other) in parts.items() if one != other]
    # As copies are compared, which a restore has written some texts anew of.
    restored = replace(after.fingerprint, generation=AS_RESTORED)
    return told + list(fingerprint.differences(before.fingerprint, restored))


@contextmanager
def undone(directory: Path) -> Iterator[None]:
    """Put every file back as it was."""
    whole = {path: path.read_bytes() for path in directory.iterdir()}
    try:
        yield
    finally:
        for path, before in whole.items():
            path.write_bytes(before)


def accident(database: Database, directory: Path, damage: Damage) -> str:
    """What level checksum says; empty when it was not found."""
    with undone(directory):
        damage.do(directory)
        return _said(database, directory, "checksum")


def inside_job(database: Database, directory: Path, damage: Damage, before: Content) -> str:
    """What level restore says; empty when it was not found, and then the content is proven to be as it was."""
    with undone(directory):
        if not _sealed(directory, damage):
            return "it could not even be sealed"
        said = _said(database, directory, "restore")
        if not said:
            assert differences(before, content(database, directory)) == [], damage.description
        return said


def _sealed(directory: Path, damage: Damage) -> bool:
    """Whether the forger found a manifest that can be read; a broken one is found by anybody."""
    touches_text = manifest.MANIFEST_TEXT in damage.description
    try:
        if damage.edit:
            forgery.seal(directory, damage.edit)
        else:
            damage.do(directory)
            forgery.seal(directory, render=not touches_text)
    except (PgsafeError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return True


def _said(database: Database, directory: Path, level: str) -> str:
    """The findings, or the error; anything but an error of ours is a fault of the verification's."""
    try:
        verdict = forgery.verified(database, directory, level, record=False)
    except PgsafeError as error:
        return f"{type(error).__name__}: {error.what}"
    return "; ".join(finding.as_text() for finding in verdict.findings)


@dataclass
class Tally:
    """What was tried and what became of it."""

    tried: Counter[str]
    found: Counter[str]
    passed: list[str]

    @classmethod
    def empty(cls) -> Tally:
        return cls(Counter(), Counter(), [])

    def count(self, damage: Damage, said: str) -> None:
        self.tried[damage.kind] += 1
        if said:
            self.found[damage.kind] += 1
        else:
            self.passed.append(damage.description)

    def lines(self, what: str) -> list[str]:
        figures = ", ".join(f"{kind} {self.found[kind]}/{self.tried[kind]}" for kind in sorted(self.tried))
        return [f"{what}: {self.found.total()} of {self.tried.total()} found ({figures})"]
