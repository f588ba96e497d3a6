# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of a plain dump, however it is cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import plain_rows
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import VerificationFailed

BEFORE = b"""--
-- PostgreSQL database dump
--
SET client_encoding = 'LATIN1';
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $_$
BEGIN -- isn't rows:
COPY public.none (a) FROM stdin;
END $_$;
COMMENT ON TABLE public.t IS 'it''s
COPY public.none (a) FROM stdin;
';
"""
TABLES = {
    b"COPY public.t (a, \"b c\", \"d\"\"e,\") FROM stdin;\n": b"1\tx\t\\N\n\\\\.\t\xe4\t\n",
    b"COPY \"A.b\".empty (a) FROM stdin;\n": b"",
    b"COPY public.\"line\nfeed\"  FROM stdin;\n": b"\n\n",
    b"COPY public.last (a) FROM stdin;\n": b"COPY public.none (a) FROM stdin;\n",
}
END = b"REFRESH MATERIALIZED VIEW v;\nEND\n"
DUMP = BEFORE + b"".join(head + rows + b"\\.\n\n" for head, rows in TABLES.items()) + END


def _chunks(size: int, dump: bytes = DUMP) -> Iterator[bytes]:
    return (dump[place : place + size] for place in range(0, len(dump), size))


@pytest.mark.parametrize("size", [1, 2, 7, 100, len(DUMP)])
def test_the_rows_of_each_table_are_found_and_no_others(size: int) -> None:
    blocks = plain_rows.blocks(_chunks(size))
    found = [(block.schema, block.name, block.columns, b"".join(block.rows)) for block in blocks]
    rows = list(TABLES.values())
    assert found == [
        ("public", "t", ("a", "b c", 'd"e,'), rows[0]),
        ("A.b", "empty", ("a",), rows[1]),
        ("public", "line\nfeed", (), rows[2]),
        ("public", "last", ("a",), rows[3]),
    ]
    assert {block.encoding for block in plain_rows.blocks(_chunks(size))} == {"LATIN1"}
    assert b"".join(plain_rows.left_out(_chunks(size))) == BEFORE + b"\n" * 4 + b"END\n"


def test_a_dump_that_ends_inside_the_rows_is_none() -> None:
    with pytest.raises(VerificationFailed, match="ends inside the rows"):
        list(plain_rows.blocks(_chunks(10, DUMP[: DUMP.index(b"x\t")])))
