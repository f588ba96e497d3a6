# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller can know to be wrong before anything is begun: each check gives its problems, a sentence each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..module_utils import durations, ranges
from ..module_utils.errors import BadRequest, PgsafeError
from ..module_utils.migrate import migration_set
from ..module_utils.migrate.verification import assertions, expectations
from ..module_utils.model import COPIED, FOLLOWED
from ..module_utils.preflight import waivers
from ..module_utils.promotion import policy
from ..module_utils.retention import rules
from . import local_files, promotions, terminals

Options = Mapping[str, Any]
Bases = tuple[Any, Any]

# By the key of pg_migrate_budgets, the option of a module.
_BUDGETS = {"audit": "budget", "audit_rule": "rule_budget", "fingerprint": "fingerprint_budget"}

_WAYS = ("source", "command", "tasks")


def confirmation(given: Options, check_mode: bool) -> Iterator[str]:
    """Whether it will be confirmed, by the variable or by a person at a terminal."""
    database, named = given["database"], _names(given["confirm"])
    if named and database not in named:
        yield f"pg_migrate_confirm names {', '.join(named)}; the database of this host (pg_migrate_db) is {database}."
    elif not named and given["asks"] and not check_mode and (reason := terminals.nobody_to_ask()):
        yield (
            f"It could not be confirmed: {reason} Set pg_migrate_confirm={database} for an unattended run, "
            "or start it at a terminal."
        )


def _names(confirm: Any) -> list[str]:
    listed = confirm if isinstance(confirm, list) else [confirm]
    return [str(name) for name in listed if name not in (None, "")]


def places(given: Options) -> Iterator[str]:
    root = given["backup_root"] or ""
    if root and not root.startswith(("/", "~")):
        yield f"pg_migrate_backup_root is not an absolute path: {root}."


def waived(given: Options) -> Iterator[str]:
    yield from problems_of(lambda: waivers.read(given["waive"]))


def numbers(given: Options) -> Iterator[str]:
    """Variables of the role by their name: numbers, and dictionaries with numbers."""
    for variable, value in given["numbers"].items():
        if isinstance(value, Mapping):
            yield from ranges.problems(value, f"{variable}.", _BUDGETS)
        else:
            yield from ranges.problems({variable.replace("pg_migrate_", ""): value}, "pg_migrate_")


def combinations(given: Options) -> Iterator[str]:
    if given["fence"] == "none" and not given["fence_reason"]:
        yield "pg_migrate_fence=none needs a reason. Set pg_migrate_waive.fence."
    if given["fence"] == "none" and given["on_verify_failure"] == "hold":
        yield (
            "With pg_migrate_on_verify_failure=hold the database waits, closed, for a person; without a fence other "
            "sessions would use the database after a failed migration. Choose another pg_migrate_fence than none."
        )
    if given["fence"] == COPIED and given["proof"] == "verified_copy":
        yield (
            "pg_migrate_fence=closed+copied copies the files of the closed database for the rollback, so no verified "
            "copy is kept beside it. Leave pg_migrate_proof at auto, or set pg_migrate_fence to read_only+closed."
        )
    if given["fence"] == FOLLOWED and given["proof"] not in ("auto", "verified_copy"):
        yield (
            f"With pg_migrate_fence=followed+closed a verified copy follows the database, and pg_migrate_proof is "
            f"{given['proof']}. Leave it at auto, or set another pg_migrate_fence."
        )
    if given["tasks"] and given["batch"] > 1:
        yield (
            "Tasks of your own migrate one host at a time: each of them would wait for the slowest host of the batch, "
            "while the lease of a guard runs out. Set pg_migrate_serial to 1."
        )


def ways(given: Options, bases: Bases) -> Iterator[str]:
    """Whether there is exactly one thing to apply, as far as the controller has it."""
    named = [f"pg_migrate_{way}" for way in _WAYS if given[way]]
    if not named:
        yield f"There is nothing to apply. Set one of {', '.join(f'pg_migrate_{way}' for way in _WAYS)}."
    if len(named) > 1:
        yield f"{' and '.join(named)} exclude each other. Set one of them."
    if given["source"] and not given["remote_src"]:
        yield from problems_of(lambda: _read(given, bases))
    if given["tasks"]:
        yield from _tasks(Path(given["tasks"]))


def _read(given: Options, bases: Bases) -> None:
    found = local_files.located(given["source"], bases, "migration set", "pg_migrate_source")
    migration_set.read(found, given["files"])


def _tasks(path: Path) -> Iterator[str]:
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a safe loader
    except OSError as error:
        yield f"The tasks at {path} cannot be read ({error.strerror}). Check pg_migrate_tasks."
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield f"The tasks at {path} are not YAML: {' '.join(str(error).split())}"
    else:
        if not isinstance(loaded, list) or not loaded:
            yield f"The file {path} is not a list of tasks. Check pg_migrate_tasks."


class _Loader(yaml.SafeLoader):
    """With tags such as ``!vault`` and ``!unsafe`` passed over."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: "")


def declarations(given: Options) -> Iterator[str]:
    """Whether what is declared of the migration can be read."""
    yield from problems_of(lambda: expectations.typed(given["expectations"]))
    yield from problems_of(lambda: assertions.typed(given["assertions"]))


def audit_rules(given: Options, bases: Bases) -> Iterator[str]:
    if given["audit_rules_dir"]:
        yield from problems_of(lambda: _require_rules(given["audit_rules_dir"], bases))


def _require_rules(name: str, bases: Bases) -> None:
    found = local_files.located(name, bases, "directory of audit rules", "pg_migrate_audit.rules_dir")
    if not any(found.glob("*.sql")):
        raise BadRequest(f"There is no audit rule at {found}.", remedy="Check pg_migrate_audit.rules_dir.")


def retention(given: Options) -> Iterator[str]:
    """Whether what is asked for is sound; what is left out has a sound default in the module."""
    asked = given["retention"]
    days, least = float(asked.get("keep_days", 0)), int(asked.get("keep_min", 1))
    for problem in problems_of(rules.Policy(days, least).require_sound):
        yield f"pg_migrate_retention: {problem}"


def promotion(given: Options, bases: Bases) -> Iterator[str]:
    """Whether records can be found and, where runs are recorded, written."""
    yield from problems_of(lambda: _require_records(given["promotion"], bases))


def _require_records(given: Options, bases: Bases) -> None:
    asked = policy.read(given)
    if not asked.directory:
        return
    directory = promotions.located(asked, bases)
    if asked.environment and not os.access(directory, os.W_OK | os.X_OK):
        raise BadRequest(
            f"The runs of {asked.environment} could not be recorded: {directory} cannot be written.",
            remedy=f"Give the user of the controller the right to, or check {policy.VARIABLE}.dir.",
        )


# Under these a host does not wait for the others of its batch.
_STRATEGIES_WITHOUT_BATCHES = ("free", "host_pinned")


def batch_rollback(given: Options, strategy: str) -> Iterator[str]:
    """What would be noticed when the other hosts of the batch are migrated.

    :param strategy: of the play.
    """
    limits = given["batch_rollback"]
    if given["on_batch_failure"] == "rollback_batch" and strategy.rpartition(".")[2] in _STRATEGIES_WITHOUT_BATCHES:
        yield (
            f"With the strategy {strategy} a host does not wait for the others of its batch, so "
            "pg_migrate_on_batch_failure=rollback_batch could not roll them back together. Choose the strategy linear."
        )
    if "within" in limits:
        yield from problems_of(lambda: durations.read("pg_migrate_batch_rollback.within", limits["within"]))


def problems_of(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except PgsafeError as error:
        yield f"{error.what} {error.remedy}".strip()
