# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A migration set is the same set exactly when it does the same, and arrives as it was sent."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.codec import encoded
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, FileFailed
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import migration_set, pending
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.migration_set import Preview, SetSource, SqlFile
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.pending import NOTHING, File, Listing


def _tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return _tree(tmp_path / "good", a="SELECT 1;\n", b="-- pgsafe: no-transaction\nVACUUM;\n")


def test_the_files_of_a_directory_run_in_the_order_of_their_names(source: Path) -> None:
    (source / "notes.txt").write_text("no SQL")
    (source / ".hidden.sql").write_text("SELECT 3;")
    found = migration_set.read(source)
    sums = {name: hashlib.sha256((source / name).read_bytes()).hexdigest() for name in ("a.sql", "b.sql")}
    assert found.files == (SqlFile("a.sql", True, sums["a.sql"]), SqlFile("b.sql", False, sums["b.sql"]))
    files = tuple(File(name, digest) for name, digest in sums.items())
    assert found.listing == Listing(files, (".hidden.sql", "notes.txt"))
    assert (found.root, found.names) == (source, ["a.sql", "b.sql"])


def test_files_that_were_chosen_run_in_their_order(source: Path) -> None:
    assert migration_set.read(source, ["b.sql", "a.sql"]).names == ["b.sql", "a.sql"]


def test_a_single_file_is_a_set(source: Path) -> None:
    assert migration_set.read(source / "a.sql").names == ["a.sql"]


def test_another_order_name_or_content_is_another_set(source: Path) -> None:
    digests = [migration_set.read(source).digest, migration_set.read(source, ["b.sql", "a.sql"]).digest]
    (source / "a.sql").write_text("SELECT 2;\n")
    digests.append(migration_set.read(source).digest)
    (source / "included.inc").write_text("SELECT 3;\n")
    digests.append(migration_set.read(source).digest)
    (source / "included.inc").rename(source / "renamed.inc")
    digests.append(migration_set.read(source).digest)
    assert len(set(digests)) == len(digests)


def test_the_same_set_elsewhere_has_the_same_digest(source: Path, tmp_path: Path) -> None:
    copied = _tree(tmp_path / "elsewhere", a="SELECT 1;\n", b="-- pgsafe: no-transaction\nVACUUM;\n")
    assert migration_set.read(source).digest == migration_set.read(copied).digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\ufeff \n\n", "is empty"),
        ("\\c other\nSELECT 1;", r"a\.sql:1: \\c leaves the database"),
        ("SELECT 1;\nROLLBACK;", r"a\.sql:2: each file is run in one transaction"),
    ],
)
def test_a_file_that_would_leave_its_session_or_transaction_is_refused(source: Path, text: str, told: str) -> None:
    (source / "a.sql").write_text(text)
    with pytest.raises(BadRequest, match=told):
        migration_set.read(source)


@pytest.mark.parametrize(
    "text",
    [
        "\\conninfo\n\\copy members FROM 'members.csv'\n\\echo it\nSELECT 1;",
        "SELECT E'x \\c y', 'x \\c y'; -- not \\c either",
        "DO $$\nBEGIN\n  PERFORM 1;\nEND $$;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC\n  SELECT 1;\nEND;",
        "-- pgsafe: no-transaction\nBEGIN;\nSELECT 1;\nCOMMIT;\n",
        "\ufeffSELECT 1;",
    ],
)
def test_what_only_looks_like_it_is_let_through(source: Path, text: str) -> None:
    (source / "a.sql").write_text(text)
    assert migration_set.read(source).names == ["a.sql", "b.sql"]


@pytest.mark.parametrize("name", ["../secret.sql", "/etc/passwd", "sub/../../secret.sql"])
def test_a_name_outside_the_set_is_refused(source: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="lies outside the migration set"):
        migration_set.read(source, [name])


def test_what_is_missing_is_told(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"has no file c\.sql"):
        migration_set.read(source, ["c.sql"])
    with pytest.raises(BadRequest, match="There is no migration set at"):
        migration_set.read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match="There is no SQL file in"):
        migration_set.read(tmp_path / "empty")


def test_files_beside_a_single_file_are_refused(source: Path) -> None:
    with pytest.raises(BadRequest, match="is a file, but files names other files"):
        migration_set.read(source / "a.sql", ["b.sql"])


def test_a_file_that_is_not_utf_8_is_refused(source: Path) -> None:
    (source / "a.sql").write_bytes(b"SELECT '\xe9';")
    with pytest.raises(FileFailed, match="not UTF-8"):
        migration_set.read(source)


def test_a_set_arrives_as_it_was_sent(source: Path, tmp_path: Path) -> None:
    (source / "sub").mkdir()
    (source / "sub" / "included.bin").write_bytes(bytes(range(256)))
    sent = migration_set.read(source)
    bundle = tmp_path / "migration.tar"
    bundle.write_bytes(migration_set.pack(sent, source))
    assert migration_set.pack(sent, source) == bundle.read_bytes()
    arrived = SetSource(source, bundle, tuple(sent.names), sent.digest).load(tmp_path / "staging")
    assert (arrived.digest, arrived.files) == (sent.digest, sent.files)
    assert (arrived.root / "sub" / "included.bin").read_bytes() == bytes(range(256))
    assert {path.stat().st_mode & 0o077 for path in arrived.root.rglob("*.*")} == {0}


def test_a_single_file_arrives_without_its_neighbours(source: Path, tmp_path: Path) -> None:
    sent = migration_set.read(source / "a.sql")
    bundle = tmp_path / "migration.tar"
    bundle.write_bytes(migration_set.pack(sent, source / "a.sql"))
    staging = tmp_path / "staging"
    staging.mkdir()
    (staging / "left.sql").write_text("by an earlier try")
    arrived = SetSource(source / "a.sql", bundle, ("a.sql",), sent.digest).load(staging)
    assert arrived.digest == sent.digest
    assert [path.name for path in staging.iterdir()] == ["a.sql"]


def test_a_set_that_was_changed_on_its_way_is_refused(source: Path, tmp_path: Path) -> None:
    sent = migration_set.read(source)
    (source / "a.sql").write_text("DROP TABLE members;")
    bundle = tmp_path / "migration.tar"
    bundle.write_bytes(migration_set.pack(sent, source))
    with pytest.raises(BadRequest, match="is not the one that was sent"):
        SetSource(source, bundle, tuple(sent.names), sent.digest).load(tmp_path / "staging")


@pytest.mark.parametrize(
    ("name", "kind"), [("/etc/x", tarfile.REGTYPE), ("../x", tarfile.REGTYPE), ("x", tarfile.SYMTYPE)]
)
def test_a_bundle_writes_nothing_outside_its_directory(tmp_path: Path, name: str, kind: bytes) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc"
        archive.addfile(entry)
    (tmp_path / "x.tar").write_bytes(packed.getvalue())
    (tmp_path / "staging").mkdir()
    with pytest.raises(BadRequest, match="not a file of the set"):
        migration_set.unpack(tmp_path / "x.tar", tmp_path / "staging")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["staging", "x.tar"]


def test_a_command_is_told_by_its_arguments_its_tree_and_the_names_of_its_variables(source: Path) -> None:
    def digest(*argv: str, chdir: str | None = None, **environment: str) -> str:
        return migration_set.of_command(argv, source, environment, chdir).digest

    assert digest("alembic", "upgrade", SECRET="1") == digest("alembic", "upgrade", SECRET="2")
    others = {digest("alembic", "upgrade"), digest("alembic", "upgrade", SECRET="1"), digest("alembic upgrade")}
    assert len(others | {digest("alembic", "upgrade", chdir="/opt")}) == 4
    before = digest("alembic")
    (source / "c.py").write_text("revision")
    assert digest("alembic") != before


def test_what_python_compiles_while_a_command_runs_makes_no_other_set_of_it(source: Path) -> None:
    before = migration_set.of_command(["alembic"], source, {}, None)
    (source / "versions" / "__pycache__").mkdir(parents=True)
    (source / "versions" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    assert migration_set.of_command(["alembic"], source, {}, None) == before


@pytest.mark.parametrize("argv", [[], [""]])
def test_an_empty_command_is_refused(argv: list[str]) -> None:
    with pytest.raises(BadRequest, match="command is empty"):
        migration_set.of_command(argv, None, {}, None)


def test_a_command_s_tree_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nowhere"):
        migration_set.of_command(["x"], tmp_path / "nowhere", {}, None)


def test_a_preview_trusts_what_the_controller_has_read(tmp_path: Path) -> None:
    read = Listing((File("a.sql", "0" * 64),), ("b.inc",))
    source = SetSource(tmp_path / "on the controller", tmp_path / "never opened", ("a.sql",), "digest", read)
    assert source.preview() == Preview("digest", ["a.sql"], read)
    assert pending.read(encoded(read)) == read
    assert pending.read("") == NOTHING


def test_a_preview_of_a_command_is_its_line() -> None:
    assert SetSource(command=("alembic", "upgrade")).preview().steps == ["alembic upgrade"]


def test_without_a_source_and_a_command_there_is_nothing_to_apply() -> None:
    with pytest.raises(BadRequest, match="nothing to apply"):
        SetSource().preview()
