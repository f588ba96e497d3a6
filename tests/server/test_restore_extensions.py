# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extensions come back in the version that the backup has, not in whatever the server takes for its default."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.copies import copy as copies
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import QueryFailed
from ansible_collections.pgsafe.migration.tests.server.backup_support import by_archive, differences, source
from ansible_collections.pgsafe.migration.tests.server.restore_support import with_extensions
from ansible_collections.pgsafe.migration.tests.server.support import Database, back_up, proven

VERSIONS = (
    "SELECT string_agg(extname || ' ' || extversion || ' in ' || extnamespace::regnamespace, ', ' ORDER BY extname)"
)
OLD = """
CREATE SCHEMA "Of Extensions";
COMMENT ON SCHEMA "Of Extensions" IS 'not ours';
GRANT USAGE ON SCHEMA "Of Extensions" TO pg_monitor;
CREATE SCHEMA "EXTENSION - odd";
CREATE EXTENSION hstore SCHEMA "Of Extensions" VERSION '1.7';
CREATE EXTENSION cube VERSION '1.4';
CREATE EXTENSION earthdistance VERSION '1.1';
CREATE TABLE public.pairs (p "Of Extensions".hstore);
INSERT INTO public.pairs VALUES ('a=>1');
CREATE TABLE "EXTENSION - odd".t (p cube DEFAULT '(1)');
"""


def versions(database: Database) -> str:
    return database.sql(f"{VERSIONS} FROM pg_extension")


@pytest.mark.every_major
def test_an_extension_comes_back_in_its_version_and_schema(database: Database, backup_root: Path) -> None:
    database.sql(OLD)
    default = database.sql("SELECT default_version FROM pg_available_extensions WHERE name = 'hstore'")
    taken = proven(database, backup_root)
    copy = by_archive(database, taken)
    assert versions(copy) == versions(database)
    assert default not in versions(copy).partition("hstore ")[2].partition(" in")[0]
    assert differences(taken.manifest, copy) == ()


def test_a_version_that_the_server_has_not_is_named_and_nothing_is_restored_with_another(
    database: Database, backup_root: Path
) -> None:
    database.sql(OLD)
    taken = back_up(database, backup_root)
    origin = source(database, taken)
    manifest = with_extensions(taken.manifest, hstore="99.1", cube="1.4", earthdistance="1.1", plpgsql="1.0")
    copies.create(database.target, f"{database.name}_copy", origin)
    with pytest.raises(QueryFailed) as caught:
        copies.load_archive(
            database.target, f"{database.name}_copy", copies.Source(origin.directory, manifest, origin.tools, 2)
        )
    assert "The extension hstore 99.1 could not be created" in caught.value.what
    assert "hstore" not in versions(database.called(f"{database.name}_copy"))


def test_a_database_without_schemas_or_extensions_of_its_own_is_restored_in_one_go(
    database: Database, backup_root: Path
) -> None:
    taken = back_up(database, backup_root)
    assert differences(taken.manifest, by_archive(database, taken)) == ()
