# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What reaches beyond a database is named once, with the line where a person can look."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import origin

PLAIN = b"""SET client_encoding = 'UTF8';
CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE plpgsql
    AS $$BEGIN RETURN 1; END$$;
CREATE FUNCTION public.g() RETURNS integer
    LANGUAGE sql
COPY public.t (a) FROM stdin;
CREATE DATABASES
\\."""


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"COPY (SELECT 1) TO PROGRAM 'id';", "COPY with PROGRAM"),
        (b"  copy t from program 'id'", "COPY with PROGRAM"),
        (b"COPY t FROM '/etc/passwd';", "COPY with a file"),
        (b"    LANGUAGE plpython3u", "an untrusted language"),
        (b'    LANGUAGE "plperlu"', "an untrusted language"),
        (b"CREATE OR REPLACE PROCEDURAL LANGUAGE plpython3u;", "an untrusted language"),
        (b"    LANGUAGE c STRICT", "a C function"),
        (b"CREATE EVENT TRIGGER e ON ddl_command_end", "an event trigger"),
        (b"ALTER SYSTEM SET archive_command = 'id';", "a role, a database, a tablespace or a system setting"),
        (b"create role eve superuser;", "a role, a database, a tablespace or a system setting"),
        (b"CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;", "a foreign server"),
    ],
)
def test_what_reaches_out_is_named_with_its_line(line: bytes, kind: str) -> None:
    assert f"its SQL has {kind} (line 10)" in list(origin.reaching_out([*PLAIN.split(b"\n"), line, line]))


def test_what_stays_inside_is_not_named() -> None:
    assert list(origin.reaching_out(PLAIN.split(b"\n"))) == []
