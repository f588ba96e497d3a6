# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Right before the migration: what is applied is what has passed, in every required environment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.codec import encoded
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import permit
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.permit import Permit, Proven
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.record import Step

STEP = Step("1.sql", "ab", (("x.inc", "cd"),))
PERMIT = Permit(("test", "staging"), (Proven("test", STEP, "test: r1"), Proven("staging", STEP, "staging: r2")))


def test_what_has_passed_everywhere_may_run() -> None:
    found = permit.read(encoded(PERMIT))
    found.require([STEP])
    assert found.told([STEP]) == "test: r1; staging: r2"


@pytest.mark.parametrize(
    "step", [replace(STEP, name="2.sql"), replace(STEP, sha256="ac"), replace(STEP, parts=(("x.inc", "ce"),))]
)
def test_anything_else_is_named(step: Step) -> None:
    with pytest.raises(Refused) as caught:
        PERMIT.require([STEP, step])
    assert f"{step.name} (not in test), {step.name} (not in staging)" in caught.value.what


def test_one_environment_of_two_is_not_enough() -> None:
    with pytest.raises(Refused, match="not in staging"):
        replace(PERMIT, proven=PERMIT.proven[:1]).require([STEP])


def test_an_override_lets_it_pass_and_is_told() -> None:
    found = Permit(("staging",), override="an outage")
    found.require([STEP])
    assert found.told([STEP]) == "overridden: an outage"


def test_where_nothing_is_required_nothing_is_told() -> None:
    permit.read("").require([STEP])
    assert permit.read("").told([STEP]) == ""
