# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes a superuser is found in a schema, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import privileged


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE EVENT TRIGGER audit ON ddl_command_end\n   EXECUTE FUNCTION public.f();", ["EVENT TRIGGER audit"]),
        ("CREATE FOREIGN DATA WRAPPER w;", ["FOREIGN DATA WRAPPER w"]),
        ("CREATE FOREIGN DATA WRAPPER w HANDLER public.h;", ["FOREIGN DATA WRAPPER w HANDLER public.h"]),
        ("CREATE ACCESS METHOD m TYPE INDEX HANDLER public.h;", ["ACCESS METHOD m"]),
        ("CREATE OPERATOR CLASS public.o\n    FOR TYPE integer USING btree AS", ["OPERATOR CLASS public.o"]),
        ("CREATE OPERATOR FAMILY public.f USING btree;", ["OPERATOR FAMILY public.f"]),
        ("CREATE TEXT SEARCH TEMPLATE public.t (\n    LEXIZE = dsimple_lexize );", ["TEXT SEARCH TEMPLATE public.t"]),
        ("CREATE OR REPLACE PROCEDURAL LANGUAGE plx;", ["LANGUAGE plx"]),
        ("CREATE CAST (integer AS public.t) WITHOUT FUNCTION;", ["CAST (integer AS public.t)"]),
        ("CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert');", ["PUBLICATION p"]),
        ("ALTER PUBLICATION p ADD TABLES IN SCHEMA s;", ["PUBLICATION p"]),
        ("SET SESSION AUTHORIZATION other;\nGRANT SELECT ON TABLE t TO x;", ["privileges granted by other"]),
        ("CREATE TYPE public.t (\n    INTERNALLENGTH = variable,", ["TYPE public.t"]),
        (
            "CREATE FUNCTION public.f(a integer) RETURNS integer\n    LANGUAGE c\n    AS 'x';",
            ["FUNCTION public.f(a integer) (LANGUAGE c)"],
        ),
        ("CREATE PROCEDURE p()\n    LANGUAGE plpython3u\n    AS $$x$$;", ["PROCEDURE p() (LANGUAGE plpython3u)"]),
        ("CREATE FUNCTION f() RETURNS boolean\n    LANGUAGE sql STABLE LEAKPROOF\n", ["FUNCTION f() (LEAKPROOF)"]),
        ("CREATE FUNCTION f() RETURNS integer\n    LANGUAGE sql\n    AS $$SELECT 1$$;", []),
        ("CREATE TYPE public.t AS (\n    a integer\n);\nCREATE CAST (a AS b) WITH FUNCTION f(a);", []),
        ("CREATE PUBLICATION p WITH (publish = 'insert');\nSET SESSION AUTHORIZATION DEFAULT;", []),
        ("CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;\nCREATE TRIGGER t BEFORE INSERT ON x;", []),
    ],
)
def test_what_takes_a_superuser_is_named(text: str, found: list[str]) -> None:
    assert list(privileged.entries(text.encode().split(b"\n"))) == found


@pytest.mark.parametrize(
    ("message", "denied"),
    [
        ("ERROR:  permission denied to COPY to or from an external program", True),
        ("ERROR:  must be superuser to create a base type", True),
        ('ERROR:  must be able to SET ROLE "x"', True),
        ('ERROR:  relation "x" does not exist', False),
    ],
)
def test_a_lacking_right_is_told_from_other_errors(message: str, denied: bool) -> None:
    assert privileged.is_denied(message) == denied
