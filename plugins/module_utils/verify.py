# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify: three levels of proof that a backup is whole and restores; it says which level was reached."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pgsafe.migration.plugins.module_utils import (
    archives,
    client_tools,
    commands,
    copies,
    csv_files,
    files,
    gzip_files,
    identity,
    journal,
    login_triggers,
    names,
    pg_tools,
)
from ansible_collections.pgsafe.migration.plugins.module_utils import manifest as manifests
from ansible_collections.pgsafe.migration.plugins.module_utils.database import session
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import (
    CommandFailed,
    PgsafeError,
    VerificationFailed,
)
from ansible_collections.pgsafe.migration.plugins.module_utils.manifest import BackupFile, Manifest
from ansible_collections.pgsafe.migration.plugins.module_utils.model import LEVELS, Target

STALL_SECONDS = 1800


@dataclass(frozen=True)
class VerifyRequest:
    """:param target: where a scratch database may be made (level ``restore``), and whose tools decode.
    :param record: write the proof into the journal of the backup's run.
    """

    target: Target
    backup_dir: Path
    level: str = "restore"
    jobs: int = 2
    record: bool = True


@dataclass(frozen=True)
class Finding:
    """:param file: the file, or empty for the directory as a whole."""

    file: str
    what: str

    def as_text(self) -> str:
        return f"{self.file}: {self.what}" if self.file else self.what


@dataclass(frozen=True)
class Verdict:
    """:param reached: the highest level without a finding, empty when not even the first was.
    :param seconds: duration of each level.
    """

    reached: str
    findings: tuple[Finding, ...]
    seconds: dict[str, float]
    manifest: Manifest


_NOTHING: tuple[Finding, ...] = ()


def plan(request: VerifyRequest) -> Manifest:
    """
    :raises NotABackup: there is nothing to verify.
    """
    return manifests.read(request.backup_dir)


def run(request: VerifyRequest) -> Verdict:
    """Verify level by level; the first level with a finding is the last that is tried.

    :raises NotABackup: the directory has no usable manifest.
    :raises PgsafeError: the verification itself could not be done (no server, no tools).
    """
    manifest = manifests.read(request.backup_dir)
    sealed = manifests.digest_of(request.backup_dir)
    seconds: dict[str, float] = {}
    reached, findings = "", _NOTHING
    for level in LEVELS[: LEVELS.index(request.level) + 1]:
        started = time.monotonic()
        findings = _LEVELS[level](request, manifest)
        seconds[level] = round(time.monotonic() - started, 3)
        if findings:
            break
        reached = level
    verdict = Verdict(reached, findings, seconds, manifest)
    if request.record:
        _record(request, verdict, sealed)
    return verdict


def _record(request: VerifyRequest, verdict: Verdict, sealed: str) -> None:
    """Into the journal, for whoever must not act without a proof; `latest` moves to a proven backup only."""
    root = request.backup_dir.parent.parent
    run_journal = journal.of_run(root, verdict.manifest.run_id)
    if run_journal is None:
        return
    run_journal.append(
        "verified",
        backup_dir=str(request.backup_dir),
        manifest_sha256=sealed,
        level=verdict.reached,
        findings=[finding.as_text() for finding in verdict.findings],
        seconds=verdict.seconds,
    )
    if not verdict.findings:
        files.replace_link(request.backup_dir.parent / "latest", request.backup_dir.name)


def _checksum(request: VerifyRequest, manifest: Manifest) -> tuple[Finding, ...]:
    """Exactly the listed files, with the listed sizes and SHA-256, readable by nobody else."""
    found = files.plain_files(request.backup_dir)
    expected = {file.name: file for file in manifest.files}
    logs = {f"migration_{manifest.run_id}.log"}
    findings = [Finding(name, "is missing") for name in sorted(set(expected) - set(found))]
    extra = set(found) - set(expected) - set(manifests.WRITTEN_LATER) - logs
    findings += [Finding(name, "does not belong to this backup") for name in sorted(extra)]
    findings += _mode_findings(request.backup_dir, found)
    for name in sorted(set(expected) & set(found)):
        findings += _content_findings(request.backup_dir / name, expected[name], found[name])
    findings += _checksum_list_findings(request.backup_dir, manifest)
    return tuple(findings)


def _mode_findings(directory: Path, found: dict[str, os.stat_result]) -> list[Finding]:
    wide = (
        [Finding("", f"{directory} is open to other users")] if stat.S_IMODE(directory.stat().st_mode) & 0o077 else []
    )
    return wide + [
        Finding(name, f"is open to other users (mode {stat.S_IMODE(facts.st_mode):04o})")
        for name, facts in sorted(found.items())
        if not stat.S_ISLNK(facts.st_mode) and stat.S_IMODE(facts.st_mode) & 0o077
    ]


def _content_findings(path: Path, expected: BackupFile, facts: os.stat_result) -> list[Finding]:
    if not stat.S_ISREG(facts.st_mode):
        return [Finding(expected.name, "is not an ordinary file")]
    if facts.st_size != expected.size:
        return [Finding(expected.name, f"has {facts.st_size:,} bytes instead of {expected.size:,}")]
    if files.sha256_of(path).sha256 != expected.sha256:
        return [Finding(expected.name, "has another SHA-256 than the manifest")]
    return []


def _checksum_list_findings(directory: Path, manifest: Manifest) -> list[Finding]:
    path = directory / manifests.CHECKSUMS
    if not path.is_file():
        return [Finding(manifests.CHECKSUMS, "is missing")]
    if files.read_text(path) != manifests.checksums(manifest, manifests.digest_of(directory)):
        return [Finding(manifests.CHECKSUMS, "does not agree with the manifest")]
    return []


def _decode(request: VerifyRequest, manifest: Manifest) -> tuple[Finding, ...]:
    """Every block of the archive and the script decoded, end markers seen, records of every CSV counted."""
    tools = client_tools.find(request.target, manifest.server_major)
    checks: list[tuple[str, Callable[[], str]]] = [
        (manifests.ARCHIVE, lambda: _archive_fault(tools, request.backup_dir / manifests.ARCHIVE, manifest)),
        (manifests.SCRIPT, lambda: _script_fault(request.backup_dir / manifests.SCRIPT)),
        *[(file.name, _csv_check(request.backup_dir / file.name, file)) for file in manifest.csv_files],
    ]
    told = [(name, _told(check)) for name, check in checks]
    return tuple(Finding(name, fault) for name, fault in told if fault)


def _csv_check(path: Path, file: BackupFile) -> Callable[[], str]:
    return lambda: _csv_fault(path, file)


def _told(check: Callable[[], str]) -> str:
    try:
        return check()
    except PgsafeError as error:
        return error.what


def _archive_fault(tools: pg_tools.Tools, archive: Path, manifest: Manifest) -> str:
    tail = bytearray()

    def keep_tail(chunk: bytes) -> None:
        tail.extend(chunk)
        del tail[:-4096]

    argv = pg_tools.script_of_archive(tools, str(archive))
    commands.read_into(commands.Command(argv, stall_limit=STALL_SECONDS), keep_tail)
    if not pg_tools.complete_script(tail.decode("utf-8", "replace")):
        return "does not decode to a complete dump"
    if archives.sequences(tools, archive) != dict(manifest.fingerprint.sequences):
        return "sets other sequence values than the manifest says"
    return ""


def _script_fault(path: Path) -> str:
    tail = b""
    for chunk in gzip_files.read(path):
        tail = (tail + chunk)[-4096:]
    return "" if pg_tools.complete_script(tail.decode("utf-8", "replace")) else "has no end marker of a complete dump"


def _csv_fault(path: Path, file: BackupFile) -> str:
    try:
        with files.reporting(f"{path} could not be read", path), path.open("rb") as stream:
            rows = csv_files.count_records(iter(lambda: stream.read(files.BUFFER_BYTES), b""))
    except ValueError as error:
        return str(error)
    return "" if rows == file.rows else f"has {rows:,} records instead of {file.rows:,}"


def _restore(request: VerifyRequest, manifest: Manifest) -> tuple[Finding, ...]:
    """The archive restored into a scratch database that is equal to the manifest by fingerprint."""
    target = login_triggers.silenced(request.target)
    with session(target.maintenance, purpose="verify") as server:
        tools = client_tools.find(target, identity.server(server).major)
    source = copies.Source(request.backup_dir, manifest, tools, request.jobs)
    name = names.beside(manifest.identity.name, "scratch", manifest.run_id)
    try:
        with copies.scratch(target, name, source):
            copies.load_archive(target, name, source)
            copies.compare(target, name, source)
    except (CommandFailed, VerificationFailed) as error:
        return (Finding(manifests.ARCHIVE, f"does not restore: {error.what}"),)
    return ()


_LEVELS: dict[str, Callable[[VerifyRequest, Manifest], tuple[Finding, ...]]] = {
    "checksum": _checksum,
    "decode": _decode,
    "restore": _restore,
}
