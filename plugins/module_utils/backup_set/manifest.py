# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a directory a backup: written last, read with suspicion."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..codec import unique_keys
from ..errors import NotABackup
from ..model import (
    AS_RESTORED,
    MODES,
    SOURCE,
    Cluster,
    DatabaseProperties,
    Fingerprint,
    Identity,
    LargeObjects,
    TableState,
)
from ..ports.files import read_text, reporting, sha256_of
from . import manifest_shape

FORMAT_VERSION = "1.0"

MANIFEST = "manifest.json"
# Of an encrypted copy; the manifest is encrypted there.
ENVELOPE = "encrypted.json"
# What is written last, and removed first, of a backup and of an encrypted copy of one.
SEALS = (MANIFEST, ENVELOPE)
MANIFEST_TEXT = "manifest.txt"
CHECKSUMS = "SHA256SUMS"
ARCHIVE = "full_backup.dump"
SCRIPT = "full_backup.sql.gz"
GLOBALS = "globals.sql"
AUDIT_REPORT = "audit_report.txt"
VERIFICATION_REPORT = "verification_report.txt"
VERIFICATION_JSON = "verification_report.json"
PROMOTION = "promotion.json"

# Written after the manifest, so neither listed in it nor a surprise beside it.
WRITTEN_LATER = (MANIFEST, CHECKSUMS, VERIFICATION_REPORT, VERIFICATION_JSON, PROMOTION)

KINDS = ("dump", "sql", "csv", "globals", "report", "manifest")


@dataclass(frozen=True)
class BackupFile:
    """One file of a backup.

    :param kind: one of :data:`KINDS`.
    :param table: for a CSV, the table's label; else empty.
    :param rows: for a CSV, its records without the header; else None.
    :param load: for a CSV, the psql command that loads it back; else empty.
    """

    name: str
    kind: str
    size: int
    sha256: str
    description: str
    table: str = ""
    rows: int | None = None
    load: str = ""


@dataclass(frozen=True)
class Manifest:
    """Everything a verifier or a restore needs to know, and nothing secret.

    :param created: ISO 8601, UTC.
    :param seconds: duration of each part of the backup.
    :param tuples_written: the statistics' count of changed rows, read before the snapshot.
    :param statistics: the series that this count belongs to, by when it was last reset; empty where nothing is counted.
    :param findings: what the audit's rules found under the snapshot: the key of each finding and its count.
    :param compression: of the archive; ``content_checksum`` says whether a damaged block is sure to be noticed when it
        is decoded, which only gzip's streams carry.
    :param warnings: what was said while it was taken, without failing it.
    :param left_out: relation label to the reason it has no CSV.
    :param losses: what a rollback to this backup would not give back, and of which objects, by the catalogs.
    :param preload_libraries: the server's shared_preload_libraries, empty where the role may not see it.
    """

    run_id: str
    created: str
    backup_type: str
    source_url: str
    identity: Identity
    server_version: int
    server_version_text: str
    tools_version: str
    snapshot_lsn: str
    database_bytes: int
    tuples_written: int
    statistics: str
    files: tuple[BackupFile, ...]
    fingerprint: Fingerprint
    properties: DatabaseProperties
    cluster: Cluster
    left_out: Mapping[str, str]
    findings: Mapping[str, int]
    compression: Mapping[str, Any]
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]
    preload_libraries: str
    losses: Mapping[str, tuple[str, ...]]
    format_version: str = FORMAT_VERSION

    def file(self, kind: str) -> BackupFile | None:
        """The one file of a kind that occurs once."""
        return next((file for file in self.files if file.kind == kind), None)

    @property
    def csv_files(self) -> tuple[BackupFile, ...]:
        return tuple(file for file in self.files if file.kind == "csv")

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def server_major(self) -> int:
        return self.server_version // 10000


def to_json(manifest: Manifest) -> str:
    return json.dumps(asdict(manifest), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def checksums(manifest: Manifest, manifest_sha256: str) -> str:
    """The lines of SHA256SUMS, for ``sha256sum -c``; a name with a backslash or newline cannot occur."""
    listed = [(file.name, file.sha256) for file in manifest.files]
    return "".join(f"{digest}  {name}\n" for name, digest in sorted([*listed, (MANIFEST, manifest_sha256)]))


def read(directory: Path) -> Manifest:
    """The manifest of a backup directory.

    :raises NotABackup: it is missing, cut, of an unknown version, or names files outside the directory.
    """
    path = directory / MANIFEST
    with reporting(f"{path} could not be read", path):
        there = stat.S_ISREG(path.lstat().st_mode) if path.exists() else False
    if not there and (directory / ENVELOPE).exists():
        raise NotABackup(
            f"{directory} is an encrypted copy of a backup.",
            remedy="Fetch it with pgsafe.migration.fetch and pg_migrate_age_identity, and name what was fetched.",
        )
    if not there:
        raise NotABackup(
            f"{directory} is no complete backup: it has no {MANIFEST}, which is written last.",
            remedy="Name another backup directory, or take a new backup.",
        )
    return from_json(read_text(path), str(path))


def digest_of(directory: Path) -> str:
    """The SHA-256 that ties a proof to this very manifest."""
    return sha256_of(directory / MANIFEST).sha256


def is_sealed(directory: Path) -> bool:
    """Whether a directory is a backup, or an encrypted copy of one."""
    return any((directory / name).exists() for name in SEALS)


def seal_digest(directory: Path) -> str:
    """As :func:`digest_of`; of an encrypted copy, of what can be read there instead."""
    plain = (directory / MANIFEST).exists()
    return digest_of(directory) if plain else sha256_of(directory / ENVELOPE).sha256


def from_json(text: str, path: str) -> Manifest:
    """
    :raises NotABackup: as in :func:`read`.
    """
    try:
        data = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise NotABackup(f"{path} is not valid JSON: {error}.") from error
    version = data.get("format_version") if isinstance(data, dict) else None
    if version != FORMAT_VERSION:
        raise NotABackup(
            f"{path} has the format version {version!r}; this release reads {FORMAT_VERSION}.",
            remedy="Use the release of pgsafe.migration that wrote it, or a later one.",
        )
    try:
        manifest_shape.require(data)
        manifest = _typed(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NotABackup(f"{path} lacks or garbles a part of a manifest: {error!r}.") from error
    _check_names(manifest, path)
    return manifest


def _typed(data: Mapping[str, Any]) -> Manifest:
    return Manifest(
        **{
            **data,
            "identity": Identity(**data["identity"]),
            "files": tuple(_file(entry) for entry in data["files"]),
            "fingerprint": fingerprint_of(data["fingerprint"]),
            "properties": _properties(data["properties"]),
            "cluster": _cluster(data["cluster"]),
            "warnings": tuple(data["warnings"]),
            "losses": {loss: tuple(names) for loss, names in data["losses"].items()},
        }
    )


def _file(entry: Mapping[str, Any]) -> BackupFile:
    name, kind, digest = entry["name"], entry["kind"], entry["sha256"]
    texts = all(isinstance(text, str) for text in (name, kind, digest))
    if not (texts and isinstance(entry["size"], int) and len(digest) == 64):
        raise ValueError(f"the entry of the file {name!r} is not usable")
    return BackupFile(**entry)


def fingerprint_of(data: Mapping[str, Any]) -> Fingerprint:
    """A fingerprint of what :func:`dataclasses.asdict` has made of one.

    :raises KeyError, TypeError, ValueError, AttributeError, OverflowError: it is something else.
    """
    objects = data["large_objects"]
    return Fingerprint(
        tables={
            label: TableState(int(state["rows"]), str(state["content"]), _one_of(state["mode"], MODES))
            for label, state in data["tables"].items()
        },
        sequences=dict(data["sequences"]),
        catalog={
            kind: {name: dict(facts) for name, facts in objects_of.items()}
            for kind, objects_of in data["catalog"].items()
        },
        large_objects=LargeObjects(_one_of(objects["mode"], MODES), dict(objects["content"])),
        generation=_one_of(data["generation"], (SOURCE, AS_RESTORED)),
        reported=dict(data["reported"]),
    )


def _one_of(value: object, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return str(value)


def _properties(data: Mapping[str, Any]) -> DatabaseProperties:
    acl = data["acl"]
    return DatabaseProperties(
        **{
            **data,
            "acl": None if acl is None else tuple((grantee, right, bool(option)) for grantee, right, option in acl),
            "settings": tuple((role, setting) for role, setting in data["settings"]),
        }
    )


def _cluster(data: Mapping[str, Any]) -> Cluster:
    return Cluster(
        objects={kind: dict(objects) for kind, objects in data["objects"].items()},
        needs={kind: tuple(names) for kind, names in data["needs"].items()},
    )


def _check_names(manifest: Manifest, path: str) -> None:
    names = [file.name for file in manifest.files]
    for name in names:
        if not name or "/" in name or "\\" in name or "\n" in name or name in (".", "..") or name.startswith("-"):
            raise NotABackup(
                f"{path} names a file outside its directory: {name!r}.", remedy="Do not trust this backup."
            )
    if len(set(names)) != len(names) or set(names) & set(WRITTEN_LATER):
        raise NotABackup(f"{path} names a file twice.", remedy="Do not trust this backup.")
    strange = {file.kind for file in manifest.files} - set(KINDS)
    if strange:
        raise NotABackup(f"{path} holds files of an unknown kind: {', '.join(sorted(strange))}.")
