# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two scripts of one archive differ in their random keys alone, wherever the chunks end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.backup_set import scripts
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import VerificationFailed
from hypothesis import given
from hypothesis import strategies as st

HEAD = b"--\n-- PostgreSQL database dump\n--\n\n"
END = b"--\n-- PostgreSQL database dump complete\n--\n\n"


def _script(body: bytes, key: bytes) -> bytes:
    """As pg_dump writes it; without a key, as it did before August 2025."""
    begin, end = (b"\\restrict %b\n\n" % key, b"\\unrestrict %b\n\n" % key) if key else (b"", b"")
    return HEAD + begin + body + END + end


def _chunks(content: bytes, size: int) -> Iterator[bytes]:
    return iter([content[start : start + size] for start in range(0, len(content), size)])


BODIES = st.binary(max_size=60).map(lambda part: b"SELECT 1;\n" + part + b"\n")


@given(BODIES, st.sampled_from([1, 200]), st.integers(1, 9000), st.integers(1, 9000))
def test_the_random_key_makes_no_difference(body: bytes, times: int, one: int, other: int) -> None:
    streams = [
        scripts.canonical(_chunks(_script(body * times, key), size))
        for key, size in ((b"abc", one), (b"xyzzy", other), (b"", 77))
    ]
    texts = [b"".join(stream) for stream in streams]
    assert texts[0] == texts[1] == texts[2] == HEAD + body * times + END


@given(BODIES, st.integers(0, 10_000), st.integers(1, 9000), st.integers(1, 9000))
def test_two_streams_part_where_they_part(body: bytes, place: int, one: int, other: int) -> None:
    content = body * 20
    place %= len(content)
    altered = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    line = scripts.first_difference(_chunks(content, one), _chunks(altered, other))
    assert line == content[:place].count(b"\n") + 1
    assert scripts.first_difference(_chunks(content, one), _chunks(content, other)) is None
    assert scripts.first_difference(_chunks(content, one), _chunks(content[:place], other)) is not None
    assert scripts.first_difference(_chunks(content[:place], one), _chunks(content, other)) is not None


def test_a_value_that_looks_like_a_key_is_a_value() -> None:
    rows = b"COPY public.t (a) FROM stdin;\n\\restrict abc\n\\.\n"
    assert b"\\restrict abc" in b"".join(scripts.canonical(iter([_script(rows, b"")])))
    assert b"\\restrict abc" in b"".join(scripts.canonical(iter([_script(rows, b"key")])))


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_script_without_its_end_marker_is_not_whole(size: int) -> None:
    with pytest.raises(VerificationFailed, match="no end marker"):
        list(scripts.canonical(iter([(HEAD + b"SELECT 1;\n" * size)])))


@given(st.lists(st.sampled_from([b"a", b"\n", b"bc"]), max_size=20), st.integers(1, 9))
def test_lines_are_lines_wherever_the_chunks_end(parts: list[bytes], size: int) -> None:
    content = b"".join(parts)
    found = list(scripts.lines(_chunks(content, max(size, 30))))
    assert found == content.removesuffix(b"\n").split(b"\n") or not content


def test_the_roles_and_tablespaces_that_a_script_names_are_made() -> None:
    script = b"""
ALTER TABLE public.t OWNER TO app;
SET default_tablespace = fast;
GRANT SELECT ON TABLE public.t TO "Odd ""1"" x" WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA public GRANT SELECT ON TABLES TO reader;
SET default_tablespace = '';
"""
    made = scripts.globals_of(iter([script]))
    roles = [line for line in made.splitlines() if line.startswith(b"CREATE ROLE")]
    assert roles == [
        b"CREATE ROLE " + name + b";" for name in (b'"Odd ""1"" x"', b"app", b"maker", b"postgres", b"reader")
    ]
    assert b"CREATE TABLESPACE fast LOCATION '';\n" in made
    assert made.count(b"CREATE TABLESPACE") == 1


@pytest.mark.parametrize("key", [b"abc", b""])
@pytest.mark.parametrize("times", [1, 2000])
def test_a_restricted_script_begins_with_a_key_that_it_cannot_name(key: bytes, times: int) -> None:
    script = _script(b"SELECT 1; \\! id\n" * times, key)
    first, second = (b"".join(scripts.restricted(_chunks(script, 100))) for _time in range(2))
    line, _newline, rest = first.partition(b"\n")
    assert line.startswith(b"\\restrict ")
    assert not second.startswith(line)
    assert rest == _script(b"SELECT 1; \\! id\n" * times, b"")


def test_the_key_of_a_dump_of_roles_is_left_out_too() -> None:
    end = b"--\n-- PostgreSQL database cluster dump complete\n--\n\n"
    dumped = HEAD + b"\\restrict one\n\nCREATE ROLE app;\n\n\\unrestrict two\n\n" + end
    assert b"".join(scripts.restricted(iter([dumped]))).count(b"restrict ") == 1


def test_an_empty_script_is_not_whole_and_begins_with_nothing() -> None:
    with pytest.raises(VerificationFailed, match="no end marker"):
        next(scripts.canonical(iter([])))
