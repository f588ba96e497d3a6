# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventories of the sample application: what they give each host, and that the playbook works with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pgsafe.migration.tests.server.plays import Ansible
from ansible_collections.pgsafe.migration.tests.server.support import EXAMPLE, Database

import pgserver

INVENTORIES = EXAMPLE / "inventories"
SERVER = INVENTORIES / "demo" / "group_vars" / "all" / "server.yml"


def given(ansible: Ansible, environment: str, host: str) -> dict[str, Any]:
    """The variables of a host, templated."""
    values = "{{ hostvars[inventory_hostname] | dict2items | selectattr('key', 'match', 'pg_migrate_|ansible_') }}"
    shown = {"var": "shown | items2dict"}
    play = {"hosts": host, "gather_facts": False, "connection": "local", "become": False}
    tasks = [{"ansible.builtin.debug": shown, "vars": {"shown": values}}]
    played = ansible.run(
        ["ansible-playbook", "-i", str(INVENTORIES / environment), ansible.playbook([{**play, "tasks": tasks}])]
    )
    assert played.status == 0, played.output
    text = played.output.partition("=> ")[2].partition("\n\nPLAY RECAP")[0]
    found: dict[str, Any] = json.loads(text)["shown | items2dict"]
    return found


def test_a_host_of_its_own_kind_replaces_what_the_group_has(ansible: Ansible) -> None:
    managed, local = (given(ansible, "production", f"production-{name}") for name in ("archive", "members"))
    assert local["pg_migrate_connection"]["login_port"] == 5432
    assert "login_password" not in local["pg_migrate_connection"]
    assert set(managed["pg_migrate_connection"]) == {
        "login_host",
        "login_user",
        "login_password",
        "ssl_mode",
        "ca_cert",
    }
    assert (managed["ansible_become_user"], local["ansible_become_user"]) == ("pgsafe", "postgres")
    assert managed["pg_migrate_promotion"] == {
        "dir": "/srv/promotion/community_connect",
        "environment": "production",
        "required_environments": ["staging"],
        "soak": "24h",
        "max_age": "30d",
        "override": "",
    }
    assert Path(managed["pg_migrate_source"]).resolve() == (EXAMPLE / "migrations" / "good").resolve()


@pytest.fixture
def fleets(sample: Database, server: pgserver.Server) -> Iterator[list[str]]:
    names = [f"community_{name}" for name in ("staging_members", "staging_archive")]
    for name in names:
        server.psql(f"CREATE DATABASE {name} TEMPLATE {sample.name}")
    yield names
    for name in names:
        server.psql(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_playbook_works_with_them_as_with_the_demonstration_s_server(
    ansible: Ansible, fleets: list[str], server: pgserver.Server, backup_root: Path
) -> None:
    (backup_root.parent / "promotion").mkdir()
    values = {
        "PGSAFE_DEMO_SOCKET": str(server.socket_dir),
        "PGSAFE_DEMO_PORT": str(server.port),
        "PGSAFE_DEMO_BIN": str(server.bin_dir),
        "PGSAFE_DEMO_BACKUPS": str(backup_root),
    }
    settled = Ansible(ansible.home, ansible.programs, ansible.connection, {**ansible.variables, **values})
    argv = ["ansible-playbook", "pgsafe.migration.migrate", "-i", str(INVENTORIES / "staging"), "--check"]
    played = settled.run([*argv, "-e", f"@{SERVER}"])
    assert played.status == 0, played.output
    assert [played.verdict(f"staging-{name}") for name in ("members", "archive")] == [
        "pending: the checks passed, and the migration would run"
    ] * 2, played.output
