# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pg_dumpall printed is rewritten for a cluster that has one role already and must touch no directory."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.verify import server_globals

SCRIPT = b"""\\restrict abc
CREATE ROLE "Odd ""1"" x";
ALTER ROLE "Odd ""1"" x" WITH SUPERUSER INHERIT NOCREATEROLE LOGIN;
CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT LOGIN;
CREATE ROLE boss;
ALTER ROLE boss WITH SUPERUSER INHERIT LOGIN;
GRANT app TO "Odd ""1"" x" WITH INHERIT TRUE GRANTED BY boss;
CREATE TABLESPACE fast OWNER app LOCATION '/srv/it''s fast';
CREATE TABLESPACE "LOCATION" OWNER app LOCATION E'/srv/\\\\x';
"""


def test_the_cluster_begins_with_the_superuser_that_granted() -> None:
    assert server_globals.first_superuser(SCRIPT) == "boss"
    other = SCRIPT.replace(b"GRANTED BY boss", b'GRANTED BY "Odd ""1"" x"')
    assert server_globals.first_superuser(other) == 'Odd "1" x'


def test_without_grants_it_is_the_usual_one() -> None:
    roles = b"ALTER ROLE aaa WITH SUPERUSER INHERIT;\nALTER ROLE postgres WITH SUPERUSER INHERIT;\n"
    assert server_globals.first_superuser(roles) == "postgres"


def test_a_script_without_a_superuser_is_not_what_pg_dumpall_prints() -> None:
    with pytest.raises(ValueError, match="no superuser"):
        server_globals.first_superuser(b"CREATE ROLE app;\n")


@pytest.mark.parametrize(
    ("superuser", "gone"), [("boss", b"CREATE ROLE boss;\n"), ('Odd "1" x', b'CREATE ROLE "Odd ""1"" x";\n')]
)
def test_the_role_that_is_there_is_not_made_and_tablespaces_stay_inside(superuser: str, gone: bytes) -> None:
    text = server_globals.for_temporary_instance(SCRIPT, superuser)
    expected = SCRIPT.replace(gone, b"").replace(b"'/srv/it''s fast'", b"''").replace(b"E'/srv/\\\\x'", b"''")
    assert text == expected


def test_a_whole_script_shows_its_end_and_the_roles_it_makes() -> None:
    end = b"\\unrestrict abc\n\n--\n-- PostgreSQL database cluster dump complete\n--\n\n"
    assert server_globals.complete(SCRIPT + end)
    assert not server_globals.complete(SCRIPT)
    roles = ("app", 'Odd "1" x', "ap", "boss ", "pg_database_owner")
    assert [server_globals.makes(SCRIPT, role) for role in roles] == [True, True, False, False, True]


WRITTEN = rb"""--
-- PostgreSQL database cluster dump
--

\restrict x
SET default_transaction_read_only = off;
CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT CREATEROLE LOGIN PASSWORD 'a;b' VALID UNTIL '2030-01-01';
CREATE ROLE "a ""b"" ;c";
ALTER ROLE "a ""b"" ;c" WITH NOSUPERUSER LOGIN BYPASSRLS;
ALTER ROLE "a ""b"" ;c" WITH SUPERUSER INHERIT BYPASSRLS;
ALTER ROLE app SET search_path TO 'x', 'two
lines; DROP';
COMMENT ON ROLE app IS 'it''s; it';
GRANT app TO "a ""b"" ;c" WITH ADMIN OPTION, INHERIT TRUE GRANTED BY postgres;
GRANT pg_execute_server_program TO app GRANTED BY postgres;
GRANT "pg_write_server_files" TO app;
CREATE TABLESPACE fast OWNER app LOCATION '/srv/fast';
ALTER TABLESPACE fast SET (seq_page_cost='1');
GRANT ALL ON TABLESPACE fast TO PUBLIC;
GRANT ALTER SYSTEM ON PARAMETER archive_command TO app;
\unrestrict x

-- PostgreSQL database cluster dump complete
--
"""


def test_roles_memberships_and_tablespaces_are_made_without_their_rights() -> None:
    assert server_globals.names_alone(WRITTEN).splitlines() == [
        b"CREATE ROLE app;",
        b'CREATE ROLE "a ""b"" ;c";',
        b'ALTER ROLE "a ""b"" ;c" BYPASSRLS;',
        b'ALTER ROLE "a ""b"" ;c" BYPASSRLS;',
        b'GRANT pg_read_all_data TO "a ""b"" ;c";',
        b'GRANT app TO "a ""b"" ;c";',
        b"CREATE TABLESPACE fast LOCATION '';",
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"DO $$ BEGIN NULL; END $$;",
        b"CREATE ROLE app SUPERUSER;",
        b"CREATE ROLE app; CREATE ROLLE x;",
        b"GRANT app TO b; COPY (SELECT 1) TO PROGRAM 'x';",
        b"CREATE TABLESPACE a LOCATION '/x' WITH (x = 'y'",
        b"SELECT 1;",
        b"\\! touch x\n",
        b"CREATE ROLE a \\! touch x\n;",
        b"CREATE ROLE 'open;",
        b"CREATE ROLE app",
    ],
)
def test_a_statement_that_pg_dumpall_does_not_write_is_told_with_its_line(text: bytes) -> None:
    with pytest.raises(ValueError, match="line 2 is not what pg_dumpall writes"):
        server_globals.names_alone(b"CREATE ROLE one;\n" + text)
