# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Preflight: gather the facts once and report every problem at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ConnectionFailed, Problem
from ..model import StoreAddress, Target
from ..postgres import login_triggers
from . import facts as preflight_facts
from .backup_forecast import Asked
from .checks import registry
from .checks import run as checks
from .checks.check import SCOPES, ControllerPlace, Facts, Thresholds


@dataclass(frozen=True)
class PreflightRequest:
    """:param scopes: what it is asked before, of :data:`checks.check.SCOPES`.
    :param restore_level: whether the backup will be proven by restoring it.
    :param proof: where, or ``auto``.
    :param instance_directory: where a temporary instance for the proof would be; None for beside the backup.
    :param fence: a kind of fence, or ``auto``.
    :param csv: patterns of the tables that get a CSV.
    :param free_bytes: what a person says is free for a copy, where it cannot be seen.
    :param expected_tables: labels of tables without which it is the wrong database.
    :param copy_to: the directories that the backup will be copied to, and whether each is required.
    :param copy_stores: the object stores likewise.
    :param copy_encryption: whether each place whose copies are encrypted is required, and their recipients.
    :param controller_places: what the controller has found of the places there.
    :param waived: by the name of a check, why a person accepts its errors.
    :param probe: whether an empty database is made and dropped, to test the access of every tool; all else only reads.
    :param keep_copy_seconds: how long the verified copy is to stay after a good verdict.
    """

    target: Target
    backup_root: Path
    scopes: Sequence[str]
    thresholds: Thresholds
    restore_level: bool
    proof: str
    instance_directory: Path | None
    fence: str
    csv: Sequence[str]
    compress_method: str
    jobs: int
    free_bytes: int | None
    expected_tables: Sequence[str]
    copy_to: Mapping[Path, bool]
    copy_stores: Mapping[StoreAddress, bool]
    copy_encryption: Mapping[str, tuple[bool, tuple[str, ...]]]
    controller_places: Sequence[ControllerPlace]
    waived: Mapping[str, str]
    probe: bool
    keep_copy_seconds: float


@dataclass(frozen=True)
class Preflight:
    facts: Facts
    problems: tuple[Problem, ...]

    def joined(self, further: Sequence[Mapping[str, str]]) -> Preflight:
        """With problems that were found elsewhere.

        :param further: the fields of each.
        """
        return replace(self, problems=(*self.problems, *[Problem(**fields) for fields in further]))

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def waived(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.waived)


def run(request: PreflightRequest) -> Preflight:
    """
    :raises ConnectionFailed: the database cannot be reached.
    """
    target, shut = _silenced(request.target)
    facts = preflight_facts.gather(_plan(replace(request, target=target)), shut)
    return Preflight(facts, problems_of(facts, request.scopes, request.waived))


def problems_of(
    facts: Facts, scopes: Sequence[str] = SCOPES, waived: Mapping[str, str] | None = None
) -> tuple[Problem, ...]:
    """What every check of the scopes finds, in the order of the registry."""
    return checks.problems(registry.asked(scopes), facts, waived or {})


def as_facts(facts: Facts) -> dict[str, object]:
    """``ansible_facts.pg_preflight``: the facts by their names, and what is reckoned from them."""
    plain = _plain(asdict(facts))
    plain["backup_size"]["bytes"] = facts.backup_size.bytes
    return {**plain, "wal_bytes": facts.wal_bytes, "copy_bytes": facts.bytes_needed}


def _plain(value: Any) -> Any:
    """Of what JSON knows."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(inner) for inner in value]
    return sorted(value) if isinstance(value, frozenset) else value


def _silenced(target: Target) -> tuple[Target, tuple[str, ...]]:
    """A maintenance database that refuses connections is one problem among the others."""
    try:
        return login_triggers.silenced(target), ()
    except ConnectionFailed as error:
        return target, (f"The maintenance database refuses connections: {error.what} {error.remedy}",)


def _plan(request: PreflightRequest) -> preflight_facts.Plan:
    return preflight_facts.Plan(
        target=request.target,
        backup_root=request.backup_root,
        asked=Asked(request.csv, request.compress_method, request.jobs),
        thresholds=request.thresholds,
        proof=request.proof if request.restore_level else preflight_facts.NO_PROOF,
        instance_directory=request.instance_directory,
        fence=request.fence,
        stated_free_bytes=request.free_bytes,
        expected_tables=request.expected_tables,
        copy_to=request.copy_to,
        copy_stores=request.copy_stores,
        copy_encryption=request.copy_encryption,
        controller_places=request.controller_places,
        probe=request.probe,
        keep_copy_seconds=request.keep_copy_seconds,
    )
