# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an environment may ask for, and what contradicts itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion import policy
from ansible_collections.pgsafe.migration.plugins.module_utils.promotion.policy import Policy

NO_REASONS: list[object] = [False, True, 0, 1, {}, "false", "No", " off ", "0", "yes", "null", "None", "~"]
NO_LISTS: list[object] = ["staging", [None], [""], {"staging": 1}, [1]]


@pytest.mark.parametrize("given", [None, {}, {"dir": None, "required_environments": [], "soak": "0", "override": ""}])
def test_nothing_is_required_where_nothing_is_asked(given: dict[str, Any] | None) -> None:
    assert policy.read(given) == Policy()


def test_an_environment_that_is_required_twice_is_required_once() -> None:
    assert policy.read({"dir": "/x", "required_environments": ["b", "a", "b"]}).required == ("b", "a")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90", {"seconds": 90}),
        ("30m", {"minutes": 30}),
        ("24 h", {"hours": 24}),
        ("14d", {"days": 14}),
        (7, {"seconds": 7}),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: object, span: dict[str, int]) -> None:
    assert policy.read({"dir": "/x", "max_age": text}).max_age == timedelta(**span)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"required_environments": ["staging"]}, "no directory of records"),
        ({"environment": "staging"}, "no directory of records"),
        ({"dir": "/x", "environment": "a", "required_environments": ["a"]}, "which is this environment"),
        ({"dir": "/x", "max_age": "1h", "soak": "2h"}, "max_age is shorter than"),
        *(({"override": word}, "override is a reason in words") for word in NO_REASONS),
        *(({"dir": "/x", "required_environments": names}, "no list of names") for names in NO_LISTS),
        ({"dir": "/x", "soak": "522w", "max_age": ""}, "soak is longer than 10 years"),
        ({"dir": "/x", "max_age": f"{'9' * 40}d"}, "max_age is longer than 10 years"),
        (["x"], "is no dictionary"),
        ({"dir": "/x", "soak": "soon"}, "soak is no duration: soon"),
    ],
)
def test_what_contradicts_itself_is_refused(given: object, what: str) -> None:
    with pytest.raises(BadRequest, match=what):
        policy.read(given)
