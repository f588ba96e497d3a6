# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The promotion record: what one run has applied and verified in one environment; readable JSON with its own SHA-256.

The target writes the evidence beside the backup, in the window; the controller completes it and keeps the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..codec import unique_keys
from ..compare import schema
from ..compare.schema import Inventory
from ..errors import BadRequest
from ..ports.files import sha256_of_text

FORMAT = 1

# The part that a command with a tree has.
ITS_TREE = "its tree"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_OWN_DIGEST = "sha256"
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_RUN_ID = re.compile(r"[0-9]{8}_[0-9]{6}(?:_[0-9]+)?")


@dataclass(frozen=True)
class Origin:
    """Which run a record is of."""

    environment: str
    host: str
    database: str
    run_id: str


@dataclass(frozen=True)
class Step:
    """A file of a migration set, or a command.

    :param name: relative to the root of its set; of a command its words.
    :param sha256: of its content; of a command the digest of command line, directory, variables' names and tree.
    :param parts: the files of the set that it names, by name and SHA-256; of a command its tree.
    :param tree: of a command, the files of its tree, where they are few; its SHA-256 is that of all of them.
    """

    name: str
    sha256: str
    parts: tuple[tuple[str, str], ...] = ()
    tree: tuple[tuple[str, str], ...] = ()

    @property
    def by_command(self) -> bool:
        return any(name == ITS_TREE for name, _sha256 in self.parts)

    def is_same(self, other: Step) -> bool:
        return (self.name, self.sha256, self.parts) == (other.name, other.sha256, other.parts)


@dataclass(frozen=True)
class Record:
    """:param steps: that were run, in their order; not a baseline, and not what was accepted without running it.
    :param verified: when the run was verified, UTC.
    :param before: the schema at the backup.
    :param after: the schema behind the verification.
    :param texts: lines of files, by their SHA-256, where they were kept.
    """

    environment: str
    host: str
    database: str
    set_name: str
    run_id: str
    server_major: int
    verified: datetime
    steps: tuple[Step, ...]
    before: Inventory
    after: Inventory
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def told(self) -> str:
        moment = self.verified.strftime("%Y-%m-%d %H:%M UTC")
        return f"{self.environment}: {self.host}, {self.database}, run {self.run_id}, verified {moment}"


@dataclass(frozen=True)
class Evidence:
    """What a run knows of itself when it is verified.

    :param began: when it began to change the database; both times are ISO 8601, UTC.
    :param report: name and SHA-256 of the report.
    :param versions: of the tool that a command ran, before and after it.
    """

    run_id: str
    database: str
    set_name: str
    server_version: str
    server_major: int
    began: str
    verified: str
    digest: str
    steps: Sequence[Mapping[str, Any]]
    before: Inventory
    after: Inventory
    report: tuple[str, str]
    versions: Sequence[Mapping[str, Any]] = ()

    def as_json(self) -> str:
        name, sha256 = self.report
        found = {
            "format": FORMAT,
            "run_id": self.run_id,
            "database": self.database,
            "set_name": self.set_name,
            "server_version": self.server_version,
            "server_major": self.server_major,
            "began": self.began,
            "verified": self.verified,
            "set_digest": self.digest,
            "steps": list(self.steps),
            "versions": list(self.versions),
            "report": {"file": name, "sha256": sha256},
            "schema": _packed(self.before, self.after),
        }
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _packed(before: Inventory, after: Inventory) -> dict[str, object]:
    """The objects before, and of those behind the migration the ones that differ; null for one that is gone."""
    changes = {name: after.get(name) for name in sorted({*before, *after}) if before.get(name) != after.get(name)}
    return {
        "before": schema.digest(before),
        "after": schema.digest(after),
        "objects": dict(before),
        "changes": changes,
    }


def require_run_id(run_id: str) -> None:
    """
    :raises BadRequest: it is none; as the name of a file it could lead anywhere.
    """
    if not _RUN_ID.fullmatch(str(run_id)):
        raise BadRequest(f"{run_id!r} is no identifier of a run")


def completed(evidence: str, origin: Origin, texts: Mapping[str, Sequence[str]]) -> str:
    """The record that the controller keeps.

    :param evidence: as :meth:`Evidence.as_json` has written it, on a target that is not trusted.
    :param texts: lines of the files that are known here, by their SHA-256.
    :raises BadRequest: it is not that.
    """
    try:
        found = _loaded(evidence)
        named = [one["sha256"] for step in found["steps"] for one in (step, *step["parts"])]
        known = {sha256: list(texts[sha256]) for sha256 in named if sha256 in texts}
        own = {name: value for name, value in asdict(origin).items() if name in ("run_id", "database")}
        if {name: found[name] for name in own} != own:
            raise BadRequest(f"The evidence of the run {origin.run_id} of {origin.database} is of another one.")
    except _UNREADABLE as error:
        raise BadRequest(f"The evidence of a run cannot be read ({type(error).__name__}: {error}).") from error
    text = sealed({**found, "environment": origin.environment, "host": origin.host, "texts": known})
    _require_readable(text)
    return text


def _require_readable(text: str) -> None:
    """Nothing is kept that would be refused when it is needed.

    :raises BadRequest: it is no record, or no text of UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"The evidence of a run is no text: {error}.") from error
    read(text)


def _loaded(text: str) -> Any:
    return json.loads(text, object_pairs_hook=unique_keys, parse_constant=_refused)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def sealed(content: Mapping[str, Any]) -> str:
    """The text of a record, with its own SHA-256 at the end."""
    body = {name: value for name, value in content.items() if name != _OWN_DIGEST}
    return json.dumps({**body, _OWN_DIGEST: _sum(body)}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Record:
    """
    :raises BadRequest: it is no promotion record, or was changed after it was written.
    """
    try:
        found = _loaded(text)
        body = {name: value for name, value in found.items() if name != _OWN_DIGEST}
        if found.get("format") != FORMAT:
            raise BadRequest(f"its format is {found.get('format')!r}, and not {FORMAT}")
        if found[_OWN_DIGEST] != _sum(body):
            raise BadRequest("it was changed after it was written: its SHA-256 does not match")
        return _record(found)
    except _UNREADABLE as error:
        raise BadRequest(f"it is no promotion record ({type(error).__name__}: {error})") from error


def _record(found: Mapping[str, Any]) -> Record:
    before = {str(name): str(sha256) for name, sha256 in found["schema"]["objects"].items()}
    after = {**before, **found["schema"]["changes"]}
    return Record(
        environment=str(found["environment"]),
        host=str(found["host"]),
        database=str(found["database"]),
        set_name=str(found["set_name"]),
        run_id=str(found["run_id"]),
        server_major=int(found["server_major"]),
        verified=datetime.strptime(found["verified"], _TIME).replace(tzinfo=timezone.utc),
        steps=tuple(_step(step) for step in found["steps"]),
        before=before,
        after={name: str(sha256) for name, sha256 in after.items() if sha256 is not None},
        texts={str(sha256): tuple(map(str, lines)) for sha256, lines in found["texts"].items()},
    )


def _step(found: Mapping[str, Any]) -> Step:
    return Step(str(found["name"]), str(found["sha256"]), _named(found["parts"]), _named(found["tree"]))


def _named(found: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["name"]), str(one["sha256"])) for one in found)


def _sum(content: Mapping[str, Any]) -> str:
    return sha256_of_text(json.dumps(content, sort_keys=True, ensure_ascii=True))
