# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run every check; a waived problem is reported with its reason, and so is a fact that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from ...errors import Problem
from .check import ServerFacts

F = TypeVar("F", bound=ServerFacts)


def problems(
    checks: Sequence[Callable[[F], Iterator[Problem]]], facts: F, waived: Mapping[str, str]
) -> tuple[Problem, ...]:
    """What every check finds, in their order, and what each of them could not see.

    :param waived: by the name of a check, why a person accepts its errors: they become warnings.
    """
    found = (problem for check in checks for problem in _found(check, facts))
    return tuple(_waived(problem, waived) for problem in found)


def name_of(check: Callable[[F], Iterator[Problem]]) -> str:
    """A check is called like its file."""
    return check.__module__.rpartition(".")[2]


def _found(check: Callable[[F], Iterator[Problem]], facts: F) -> Iterator[Problem]:
    yield from check(facts)
    for unseen in facts.not_seen:
        if unseen.check == name_of(check):
            yield Problem(unseen.check, unseen.severity, unseen.what, unseen.remedy)


def _waived(problem: Problem, waived: Mapping[str, str]) -> Problem:
    if problem.severity != "error" or problem.check not in waived:
        return problem
    return replace(problem, severity="warning", waived=waived[problem.check])
