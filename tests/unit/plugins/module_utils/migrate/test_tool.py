# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tool is asked whether anything is pending, and an error is no answer."""

from __future__ import annotations

import pytest
from ansible_collections.pgsafe.migration.plugins.module_utils.errors import BadRequest, Refused
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate import tool
from ansible_collections.pgsafe.migration.plugins.module_utils.migrate.tool import Question, ToolOptions
from ansible_collections.pgsafe.migration.plugins.module_utils.ports.commands import Command


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        ("/srv/bin/alembic -c app.ini upgrade head", "/srv/bin/alembic -c app.ini current --check-heads"),
        ("python3 -m alembic upgrade heads", "python3 -m alembic current --check-heads"),
        ("python manage.py migrate --no-input", "python manage.py migrate --no-input --plan --check"),
        ("./manage.py migrate notes 0002", "./manage.py migrate notes 0002 --plan --check"),
        ("django-admin migrate", "django-admin migrate --plan --check"),
        ("npx prisma migrate deploy --schema=a.prisma", "npx prisma migrate status --schema=a.prisma"),
    ],
)
def test_a_known_tool_is_asked_by_its_own_command(argv: str, asked: str) -> None:
    found = tool.question(ToolOptions(), argv.split())
    assert found is not None
    assert " ".join(found.argv) == asked
    assert tool.question(ToolOptions(no_preset=True), argv.split()) is None
    own = ToolOptions(pending_command=("./ask",), pending_text="yes", no_preset=True)
    assert tool.question(own, argv.split()) == Question(("./ask",), "yes")


@pytest.mark.parametrize(
    "argv",
    [
        "alembic upgrade +1",
        "alembic upgrade 0002",
        "alembic downgrade base",
        "alembic stamp head",
        "upgrade head",
        "python manage.py migrate --run-syncdb",
        "python manage.py loaddata x",
        "prisma db push",
        "flyway migrate",
        "bin/rails db:migrate",
        "sqitch deploy",
    ],
)
def test_what_a_tool_cannot_say_for_certain_is_not_asked(argv: str) -> None:
    assert tool.question(ToolOptions(), argv.split()) is None


# What the tools print, as their documentation and their sources have it.
PRINTED = {
    "alembic upgrade head": ("FAILED: Database is not on all head revisions", "0002 (head)"),
    "python manage.py migrate": (
        "Planned operations:\nnotes.0002_when\n    Add field written_at to note",
        "Planned operations:\n  No planned migration operations.",
    ),
    "prisma migrate deploy": (
        "Following migration have not yet been applied:\n20240115120000_add_user",
        "Database schema is up to date!",
    ),
}


@pytest.mark.parametrize("argv", PRINTED)
def test_what_a_tool_prints_is_understood(argv: str) -> None:
    asked = tool.question(ToolOptions(), argv.split())
    assert asked is not None
    pending, nothing = PRINTED[argv]
    for said, status in ((pending, 1), (pending, 255), (pending, 0), (nothing, 0)):
        script = f"cat <<'END'\n{said}\nEND\nexit {status}"
        answer = tool.ask(Question(("sh", "-c", script), asked.text), Command(("true",)), str)
        assert answer.pending == (said == pending)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no connection >&2; exit 1", "no connection"),
        ("echo 0 pending; exit 2", "0 pending"),
        ("exit 127", "status 127"),
        ("echo 3 pending; kill -9 $$", "signal 9"),
        ("echo 3 pending; exec sleep 600", "did not end within 1 s"),
    ],
)
def test_an_error_is_neither_pending_nor_nothing_pending(script: str, said: str) -> None:
    asked = Question(("sh", "-c", script), r"[1-9]\d* pending")
    with pytest.raises(Refused) as caught:
        tool.ask(asked, Command(("true",), time_limit=1.0), str)
    assert said in caught.value.what
    assert script in caught.value.remedy
    assert "pending_preset: false" in caught.value.remedy


def test_a_program_that_is_not_there_is_named_and_secrets_are_not() -> None:
    with pytest.raises(Refused, match=r"/none/ask could not be started"):
        tool.ask(Question(("/none/ask",), "x"), Command(("true",)), str)
    with pytest.raises(Refused) as caught:
        tool.ask(
            Question(("sh", "-c", "echo wonderland; exit 1"), "x"),
            Command(("true",)),
            lambda said: said.replace("wonderland", "********"),
        )
    assert "wonderland" not in str(caught.value)


def test_the_text_is_found_at_the_beginning_of_a_long_output() -> None:
    script = "echo 3 pending; head -c 200000 /dev/zero | tr '\\0' x; echo; exit 1"
    assert tool.ask(Question(("sh", "-c", script), "3 pending"), Command(("true",)), str).pending


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"query": "SELECT 1; SELECT 2"}, "version_query is not one query"),
        ({"pending_command": ["a"]}, "go together"),
        ({"pending_text": "a"}, "go together"),
        ({"pending_command": ["a"], "pending_text": "("}, "is not a regular expression"),
    ],
)
def test_options_that_cannot_be_used_are_refused(given: dict[str, object], wrong: str) -> None:
    with pytest.raises(BadRequest, match=wrong):
        tool.options(**{"query": "", **given})  # type: ignore[arg-type]
