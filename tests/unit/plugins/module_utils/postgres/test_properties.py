# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Properties of a database as statements; nothing that a manifest could smuggle in becomes one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import NotABackup
from ansible_collections.pgsafe.migration.plugins.module_utils.postgres import properties
from ansible_collections.pgsafe.migration.tests.unit.samples import MANIFEST
from psycopg2 import sql

SOME = MANIFEST.properties


def _elements(*values: str) -> sql.Composed:
    return sql.SQL(", ").join([sql.Literal(value) for value in values])


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [
        ("work_mem", "64MB", sql.Literal("64MB")),
        ("myapp.list", 'a, "b"', sql.Literal('a, "b"')),
        ("search_path", "public", _elements("public")),
        ("search_path", '"$user", public', _elements("$user", "public")),
        ("search_path", '"a, b", "c""d",e', _elements("a, b", 'c"d', "e")),
        ("search_path", '""', _elements("")),
        ("search_path", "", _elements("")),
        ("session_preload_libraries", "auto_explain, passwordcheck", _elements("auto_explain", "passwordcheck")),
    ],
)
def test_a_list_is_set_by_its_elements_and_anything_else_by_its_text(name: str, stored: str, value: object) -> None:
    assert properties._value(name, stored) == value


def test_an_option_of_create_database_that_is_not_known_is_refused() -> None:
    with pytest.raises(NotABackup, match="STRATEGY; DROP"):
        properties.creation("copy", replace(SOME, creation={"STRATEGY; DROP": "x"}), True)


def test_a_privilege_that_is_not_known_is_refused() -> None:
    with pytest.raises(NotABackup, match="unknown privilege"):
        list(properties.statements("copy", replace(SOME, acl=(("app", "ALL; DROP", False),))))


@pytest.mark.parametrize(
    ("row", "options"),
    [
        # 14 knows no provider; 15 and 16 name the locale daticulocale; 17 and 18 datlocale
        ({"datcollate": "C", "datctype": "C"}, {"LC_COLLATE": "C", "LC_CTYPE": "C"}),
        (
            {"datcollate": "C", "datctype": "C", "datlocprovider": "i", "daticulocale": "de-DE"},
            {"LC_COLLATE": "C", "LC_CTYPE": "C", "LOCALE_PROVIDER": "icu", "ICU_LOCALE": "de-DE"},
        ),
        (
            {"datcollate": "C", "datctype": "C", "datlocprovider": "b", "datlocale": "C.UTF-8"},
            {"LC_COLLATE": "C", "LC_CTYPE": "C", "LOCALE_PROVIDER": "builtin", "BUILTIN_LOCALE": "C.UTF-8"},
        ),
        (
            {"datcollate": "C", "datctype": "C", "datlocprovider": "i", "datlocale": "und", "daticurules": "&a < b"},
            {
                "LC_COLLATE": "C",
                "LC_CTYPE": "C",
                "LOCALE_PROVIDER": "icu",
                "ICU_LOCALE": "und",
                "ICU_RULES": "&a < b",
            },
        ),
        (
            {"datcollate": "C", "datctype": "C", "datlocprovider": "c", "datlocale": None},
            {"LC_COLLATE": "C", "LC_CTYPE": "C", "LOCALE_PROVIDER": "libc"},
        ),
    ],
)
def test_the_locale_is_read_as_each_major_stores_it(row: dict[str, str | None], options: dict[str, str]) -> None:
    assert properties._locale(row) == options
    assert properties.creation("copy", replace(SOME, creation=options), False)


def test_a_database_with_default_privileges_is_granted_nothing() -> None:
    granted = len(list(properties.statements("copy", SOME)))
    assert granted - len(list(properties.statements("copy", replace(SOME, acl=None)))) == 2 + len(SOME.acl or ())


def test_the_default_privileges_are_the_same_written_out() -> None:
    owned = replace(SOME, owner="app", acl=None)
    written = [("", "CONNECT"), ("", "TEMPORARY"), ("app", "CONNECT"), ("app", "CREATE"), ("app", "TEMPORARY")]
    explicit = replace(owned, acl=tuple((grantee, privilege, False) for grantee, privilege in written))
    assert properties.differences(owned, explicit) == []
    assert properties.differences(owned, replace(explicit, acl=explicit.acl and explicit.acl[2:])) == ["the privileges"]


def test_each_property_that_is_other_is_named() -> None:
    other = replace(SOME, owner="other", connection_limit=7, comment="other", settings=(("", "work_mem=1MB"),))
    named = ["the owner", "the connection limit", "the comment", "the settings"]
    assert [what for what in properties.differences(SOME, other) if what != "the privileges"] == named
