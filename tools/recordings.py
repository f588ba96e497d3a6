"""Record the console of three runs for docs/console.md: one that goes well, one that fails, one that is interrupted.

Each is a real ansible-playbook at a terminal of its own, on the demonstration's server. Places of this checkout are
written as those of a project in /srv/community; what a terminal draws over is left out, as it is not there afterwards.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import demo
import pgserver

PAGE = demo.CHECKOUT / "docs" / "console.md"
COLUMNS = 110
PLACE = "/srv/community"
QUESTION = "proceed? (yes/NO):"
LIMIT_SECONDS = 300
CTRL_C = b"\x03"
_LONGEST = 160

INTRODUCTION = """\
# What you see

Three runs of the sample application's migration, as `make recordings` has recorded them from a terminal with
[examples/ansible.cfg](../examples/ansible.cfg): one that goes well, one whose third file fails, and one that Ctrl+C
interrupts. While a long step runs, a line at the bottom shows its progress ([docs/guard.md](guard.md)); it disappears
afterwards, so it is not shown here. Lines longer than 160 characters are cut.
"""


@dataclass(frozen=True)
class Recording:
    """:param source: the migration set.
    :param keys: what is typed when a text has appeared, once each.
    """

    title: str
    text: str
    source: Path
    keys: dict[str, bytes]


def recordings(slow: Path) -> list[Recording]:
    migrations = demo.EXAMPLE / "migrations"
    yes = {QUESTION: b"yes\r"}
    return [
        Recording("A run that goes well", "A person is asked, and types `yes`.", migrations / "good", yes),
        Recording(
            "A run that fails",
            "The third file of the set cannot be applied, after two were. `ansible-playbook` ends with status 2.",
            migrations / "broken",
            yes,
        ),
        Recording(
            "A run that is interrupted",
            "Ctrl+C is pressed while the last file runs. Here too, `ansible-playbook` ends with status 2.",
            slow,
            {**yes, "Applying file 6 of 6": CTRL_C},
        ),
    ]


def record(recording: Recording, shown: demo.Demo) -> tuple[int, str]:
    """The exit status, and what is left on the terminal."""
    argv = ["ansible-playbook", "playbooks/migrate.yml", "-i", "examples/community_connect/inventories/demo/hosts.yml"]
    argv += ["-e", f"pg_migrate_source={recording.source}"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(demo.CHECKOUT)
        program = Path(sys.executable).with_name("ansible-playbook")
        env = {**shown.environment(), "COLUMNS": str(COLUMNS), "ANSIBLE_NOCOLOR": "1"}
        os.execve(program, argv, env)  # noqa: S606  # a child of a pty, not a shell
    said, waiting = "", dict(recording.keys)
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        ready, _unused, _unused2 = select.select([terminal], [], [], 0.5)
        if ready:
            try:
                said += os.read(terminal, 1 << 16).decode("utf-8", "replace")
            except OSError:
                break
        for text in [text for text in waiting if text in said and not ready and _reads_keys(terminal, text)]:
            os.write(terminal, waiting.pop(text))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), _left(said)


def _reads_keys(terminal: int, text: str) -> bool:
    """Ansible drops what was typed before it began to read single keys; a signal needs no reader."""
    return text != QUESTION or not termios.tcgetattr(terminal)[3] & termios.ICANON


def _left(said: str) -> str:
    """What is not drawn over, without colours."""
    lines = [line.rpartition("\r\x1b[K")[2] for line in said.replace("\r\n", "\n").split("\n")]
    plain = [re.sub(r"\^M.*|\x1b\[[0-9;]*[A-Za-z]|\r", "", line).rstrip() for line in lines]
    plain = [line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …" for line in plain]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(plain)).strip("\n")


def neutral(text: str, slow: Path) -> str:
    """Without the places of this machine."""
    places = {str(slow): f"{PLACE}/migrations", str(demo.HOME): PLACE, str(demo.CHECKOUT): PLACE}
    for place, other in places.items():
        text = text.replace(place, other)
    return text


def main() -> int:
    """Write the page anew."""
    parts = [INTRODUCTION]
    with tempfile.TemporaryDirectory() as directory:
        slow = Path(directory) / "migrations"
        shutil.copytree(demo.EXAMPLE / "migrations" / "good", slow)
        (slow / "006_count_messages.sql").write_text("SELECT count(*), pg_sleep(600) FROM messages;\n")
        try:
            for recording in recordings(slow):
                shown = demo.prepare("good", ask=True)
                status, said = record(recording, shown)
                parts.append(f"## {recording.title}\n\n{recording.text}\n\n```text\n{neutral(said, slow)}\n```\n")
                demo.say(f"{recording.title}: status {status}")
        except (demo.DemoError, pgserver.ServerError) as error:
            print(f"recordings: {error}", file=sys.stderr)
            return 1
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
