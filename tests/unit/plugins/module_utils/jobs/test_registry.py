# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A job's file names every type that its request may contain: with one less, a guard could not read some orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.jobs import registry
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.run import MigrateRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.request import RecoverRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.restore.run import RestoreRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify.run import VerifyRequest

REQUESTS: dict[str, type] = {
    "backup": BackupRequest,
    "verify": VerifyRequest,
    "migrate": MigrateRequest,
    "recover": RecoverRequest,
    "restore": RestoreRequest,
}


def inside(annotated: Any, above: tuple[type, ...] = ()) -> Iterator[type]:
    """The dataclasses and enumerations of a type, and of the fields of these."""
    for argument in get_args(annotated):
        yield from inside(argument, above)
    if not isinstance(annotated, type) or annotated in above:
        return
    if issubclass(annotated, Enum):
        yield annotated
    if is_dataclass(annotated):
        yield annotated
        for found in get_type_hints(annotated).values():
            yield from inside(found, (*above, annotated))


@pytest.mark.parametrize("name", registry.JOBS)
def test_a_job_names_the_types_of_its_request_and_no_others(name: str) -> None:
    assert set(registry.named(name).TYPES) == set(inside(REQUESTS[name]))


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(ValueError, match=r"There is no job 'drop'\."):
        registry.named("drop")
