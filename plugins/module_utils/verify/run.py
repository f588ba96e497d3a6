# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify: three levels of proof that a backup is whole and restores; it says which level was reached."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from ..backup_set import envelope as envelopes
from ..backup_set import gzip_files, scripts
from ..backup_set import manifest as manifests
from ..backup_set.manifest import ENVELOPE, MANIFEST, Manifest
from ..copies import copy as copies
from ..copies import losses
from ..errors import BadRequest, Refused
from ..fence import follow
from ..fence import run as fence
from ..journal.events import Event
from ..journal.journal import Journal
from ..model import Target
from ..ports import files, signals
from ..postgres import client_tools, login_triggers
from ..text import duration
from . import decoding, encrypted, findings, instance, integrity, origin, proof, proof_choice
from .findings import BackupProof, Found

STALL_SECONDS = 1800

VERIFIED_COPY = "verified_copy"


@dataclass(frozen=True)
class VerifyRequest:
    """:param target: where a scratch database may be made, and whose tools decode.
    :param record: write the proof into the journal of the backup's run.
    :param proof: where it is restored for level ``restore``, one of :data:`PROOFS`, or :data:`AUTO`.
    :param instance_options: of the ``temporary_instance``.
    :param trusted: whether the SQL of a backup of unknown origin may run with our rights.
    :param stall_limit: seconds that a program which decodes may go on without a word.
    :param fail: whether the task fails when the backup is not proven.
    """

    target: Target
    backup_dir: Path
    level: str
    jobs: int
    proof: str
    instance_options: instance.Options
    trusted: bool
    fail: bool
    record: bool = True
    stall_limit: float = STALL_SECONDS


AUTO = "auto"

# Each makes the place on the server of the connection that level restore is proven in.
_PLACES: dict[str, Callable[[VerifyRequest], proof.Place]] = {
    "scratch": lambda request: proof.scratch(login_triggers.silenced(request.target)),
    VERIFIED_COPY: lambda request: _verified_copy(request, _journal_to_keep(request)),
}
PROOFS = (*_PLACES, origin.TEMPORARY_INSTANCE)


def _verified_copy(request: VerifyRequest, run_journal: Journal) -> proof.Place:
    target = login_triggers.silenced(request.target)
    return proof.verified_copy(target, run_journal, following=_followed(run_journal))


def plan(request: VerifyRequest) -> None:
    """
    :raises NotABackup: there is nothing to verify.
    :raises Refused: it is of unknown origin, and its SQL would run with our rights; or it is encrypted.
    """
    if is_encrypted(request.backup_dir):
        envelopes.read(request.backup_dir)
        encrypted.require_checksum(request.backup_dir, request.level)
    else:
        _origin(request, manifests.read(request.backup_dir))


def is_encrypted(directory: Path) -> bool:
    return (directory / ENVELOPE).exists() and not (directory / MANIFEST).exists()


def _origin(request: VerifyRequest, manifest: Manifest) -> VerifyRequest:
    """The request, with the place that suits where its backup comes from.

    :raises Refused: its SQL would run with our rights.
    """
    if request.level != "restore" or request.trusted or origin.is_own(request.backup_dir, manifest):
        return request
    found = replace(request, proof=origin.TEMPORARY_INSTANCE) if request.proof == AUTO else request
    origin.require_apart(found.backup_dir, found.proof)
    return found


def run(request: VerifyRequest) -> BackupProof:
    """Verify level by level; the first level with a finding is the last that is tried.

    :raises NotABackup: the directory has no usable manifest.
    :raises Refused: it is of unknown origin, and its SQL would run with our rights.
    :raises PgsafeError: the verification itself could not be done (no server, no tools), or was interrupted; whatever
        it had made is gone.
    """
    if is_encrypted(request.backup_dir):
        return _run_encrypted(request)
    manifest = manifests.read(request.backup_dir)
    request = _origin(request, manifest)
    run_journal = origin.run_of(request.backup_dir, manifest.run_id) if request.record else None
    if run_journal is None:
        with signals.raised("The verification"):
            return _verdict(request, manifest)
    with run_journal.held():
        _require_none_following(run_journal)
        sealed = manifests.digest_of(request.backup_dir)
        run_journal.append(Event.VERIFYING, level=request.level)
        with signals.raised("The verification"):
            verdict = _verdict(request, manifest)
        _record(request, verdict, run_journal, sealed)
        if _followed(run_journal) and verdict.reached == "restore":
            with signals.raised("The verification"):
                verdict = _following(request, verdict, run_journal, manifest)
        ready = copies.recorded_ready(run_journal)
    return replace(verdict, verified_copy=ready.name if ready else "")


def _run_encrypted(request: VerifyRequest) -> BackupProof:
    """Its digests alone; a finding takes the level of its proof back, and none gives it another one.

    :raises Refused: another level is asked for.
    """
    encrypted.require_checksum(request.backup_dir, request.level)
    envelope = envelopes.read(request.backup_dir)
    looks = {"checksum": functools.partial(encrypted.look, request.backup_dir, envelope)}
    run_journal = origin.run_of(request.backup_dir, envelope.run_id) if request.record else None
    with run_journal.held() if run_journal else nullcontext(), signals.raised("The verification"):
        found = findings.by_levels(looks, "checksum", None)
        if run_journal and os.access(run_journal.directory, os.W_OK):
            _record(request, found, run_journal, manifests.seal_digest(request.backup_dir))
    return found


def _require_none_following(run_journal: Journal) -> None:
    if _followed(run_journal) and run_journal.last(Event.SUBSCRIBING):
        raise Refused(
            f"The verified copy of the run {run_journal.run_id} follows its database already.",
            remedy="Go on with the migration, or begin another run.",
        )


def _following(
    request: VerifyRequest, verdict: BackupProof, run_journal: Journal, manifest: Manifest
) -> BackupProof:
    """The proof, with what is left of the run's preparations: its copy follows the database from here on.

    :raises Refused: it cannot.
    """
    seconds = follow.begin(request.target, run_journal, manifest.identity)
    told = f"the verified copy follows the database from here on: it had caught up after {duration(seconds)}"
    return replace(verdict, notes=(*verdict.notes, told), seconds={**verdict.seconds, "catch up": seconds})


def run_of(backup_dir: Path) -> Journal | None:
    """The run that a backup is of, if it has a journal beside it that no other user could have written.

    :raises NotABackup: the directory has no usable manifest.
    """
    return origin.run_of(backup_dir, manifests.read(backup_dir).run_id)


def _journal_to_keep(request: VerifyRequest) -> Journal:
    run_journal = run_of(request.backup_dir)
    if run_journal is None:
        raise Refused("The backup's run has no journal beside it that could say what becomes of a verified copy.")
    return run_journal


def _verdict(request: VerifyRequest, manifest: Manifest) -> BackupProof:
    looks = {level: functools.partial(look, request, manifest) for level, look in _LOOKS.items()}
    found = findings.by_levels(looks, request.level, manifest)
    if found.reached == "restore":
        return found
    return replace(found, not_given_back=losses.lines(manifest.losses))


def _checksum(request: VerifyRequest, manifest: Manifest, found: Found) -> None:
    integrity.look(request.backup_dir, manifest, found)


def _decode(request: VerifyRequest, manifest: Manifest, found: Found) -> None:
    tools = client_tools.find(request.target, manifest.server_major)
    decoding.look(decoding.Decoding(request.backup_dir, manifest, tools, request.stall_limit), found)


def _restore(request: VerifyRequest, manifest: Manifest, found: Found) -> None:
    run_journal = origin.run_of(request.backup_dir, manifest.run_id) if request.record else None
    kept_in = run_journal.directory if run_journal else None
    own = origin.is_own(request.backup_dir, manifest)
    if not own:
        found.notes.extend(origin.reaching_out(scripts.lines(gzip_files.read(request.backup_dir / manifests.SCRIPT))))
    stored = proof.Stored(request.backup_dir, manifest, request.jobs, kept_in)
    place = _chosen(request, manifest, found, kept=not (run_journal and _copied(run_journal)))
    if run_journal and _followed(run_journal) and place != VERIFIED_COPY:
        raise BadRequest(
            f"The verified copy of the run must follow its database, but the backup would be proven in {place}.",
            remedy="Set pg_migrate_proof: verified_copy and make room for the copy, or choose pg_migrate_fence: "
            "read_only+closed.",
        )
    if place == origin.TEMPORARY_INSTANCE:
        allowed = own or request.trusted or origin.superuser_allowed()
        proof.look_apart(stored, request.instance_options, found, superuser_allowed=allowed)
    else:
        proof.look(stored, _PLACES[place](request), found)


def _copied(run_journal: Journal) -> bool:
    """Whether a rollback of the run will have a copy of the closed database's files."""
    raised = fence.recorded(run_journal)
    return raised is not None and raised.copied


def _followed(run_journal: Journal) -> bool:
    """Whether the verified copy of the run follows its database until the migration."""
    return run_journal.state.published


def _chosen(request: VerifyRequest, manifest: Manifest, found: Found, *, kept: bool) -> str:
    if request.proof == VERIFIED_COPY and not kept:
        raise BadRequest(
            "The run copies the files of the closed database for its rollback, so no verified copy is kept beside it.",
            remedy="Leave pg_migrate_proof at auto, or choose pg_migrate_fence: read_only+closed.",
        )
    if request.proof != AUTO:
        return request.proof
    choice = proof_choice.look(request.target, manifest.database_bytes, manifest.properties.tablespace, kept=kept)
    found.notes.append(choice.reason)
    return choice.proof


_LOOKS: dict[str, Callable[[VerifyRequest, Manifest, Found], None]] = {
    "checksum": _checksum,
    "decode": _decode,
    "restore": _restore,
}


def _record(request: VerifyRequest, verdict: BackupProof, run_journal: Journal, sealed: str) -> None:
    """Into the journal, for steps that must not run without a proof; `latest` moves to a proven backup only."""
    run_journal.append(
        Event.VERIFIED,
        backup_dir=str(request.backup_dir),
        manifest_sha256=sealed,
        level=verdict.reached,
        proof=request.proof if verdict.reached == "restore" else "",
        findings=[finding.as_text() for finding in verdict.findings],
        not_given_back=list(verdict.not_given_back),
        seconds=verdict.seconds,
    )
    if not verdict.findings:
        files.replace_link(request.backup_dir.parent / "latest", request.backup_dir.name)
