# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dumped, but not restorable: a language without its handler, a function that an extension creates as well."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Problem
from ...names import quoted
from .check import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for language, function in facts.bare_languages:
        yield Problem(
            "unrestorable",
            "error",
            f"The language {language} calls {function}, which no dump carries: pg_dump writes CREATE LANGUAGE "
            f"{quoted(language)} without it, and a restore takes that for an extension and fails.",
            f"Define its functions in the language that {function} comes with, then: DROP LANGUAGE {quoted(language)}. "
            "Or define a handler in a schema of the database, and the language with that one.",
        )
    for function, extension in facts.removed_functions:
        yield Problem(
            "unrestorable",
            "error",
            f"The function {function} was removed from the extension {extension}: a restore creates it with the "
            "extension, and fails as the dump creates it once more.",
            f"ALTER EXTENSION {quoted(extension)} ADD FUNCTION {function}",
        )
