"""Write the rows of Community Connect to stdout, as a psql script of COPY blocks.

The same arguments give the same bytes on every Python from 3.9: only random.random() is asked, because
it alone is promised to repeat, and no clock is read. Rows are streamed, so memory does not grow with them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import vocabulary as words

Below = Callable[[int], int]

DAY = 86_400
FIRST_DAY = date(2021, 1, 1)
LAST_SECOND = (date(2025, 11, 16) - FIRST_DAY).days * DAY
DAYS = tuple((FIRST_DAY + timedelta(days=n)).isoformat() for n in range(LAST_SECOND // DAY + 1))
NULL = "\\N"
POOL_SIZE = 1 << 18
# Multiplying by a large prime, modulo any size used here, scatters 1, 2, 3 … without ever meeting twice.
SCATTER = 736_878_823
MODELS = ("all-MiniLM-L6-v2", "paraphrase-multilingual-MiniLM-L12-v2")
CHANNELS = ("whatsapp", "whatsapp", "email", "dashboard")
STATUSES = ("active", "active", "active", "active", "active", "pending", "paused", "left")


@dataclass(frozen=True)
class Plan:
    """What to generate: row counts, the seed, and how an embedding is written."""

    seed: int
    members: int
    messages_per_member: int
    dimensions: int
    vector: bool

    @property
    def events(self) -> int:
        return self.members // 40 + 1

    def dice(self, table: str) -> Below:
        """Return below(n) -> 0..n-1. Each table has its own, so more of one leaves the others as they were."""
        random = Random(f"{self.seed}:{table}").random
        return lambda n: int(random() * n)

    def joined(self, member: int) -> int:
        """Second at which a member joined; computed, not remembered, so that other tables can come after it."""
        return LAST_SECOND * member // (self.members + 1)


def escaped(text: str) -> str:
    """Escape one value for COPY's text format."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def all_escaped(texts: Iterable[str]) -> tuple[str, ...]:
    """Escape the vocabulary once instead of every row."""
    return tuple(map(escaped, texts))


def array_literal(items: Iterable[str]) -> str:
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


def timestamp(second: int) -> str:
    """Seconds since FIRST_DAY as timestamptz text; by table, for datetime would take most of the run."""
    day, rest = divmod(second, DAY)
    hour, rest = divmod(rest, 3600)
    minute, rest = divmod(rest, 60)
    return f"{DAYS[day]} {hour:02d}:{minute:02d}:{rest:02d}+00"


def slug(name: str) -> str:
    """Lower-case ASCII for the local part of an address; 'member' where nothing of the name is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(filter(str.isalnum, plain)) or "member"


def preference_pool(below: Below) -> list[str]:
    def preference() -> dict[str, object]:
        return {
            "language": words.LANGUAGES[below(len(words.LANGUAGES))],
            "newsletter": below(3) > 0,
            "contact": {"channel": CHANNELS[below(4)], "hours": [7 + below(4), 17 + below(6)]},
            "greeting": words.GREETINGS[below(len(words.GREETINGS))] if below(4) == 0 else None,
            "path": "C:\\users\\" + str(below(1000)) if below(9) == 0 else "",
        }

    return [escaped(json.dumps(preference(), ensure_ascii=below(2) == 0)) for _nth in range(1024)]


def tag_pool(below: Below) -> list[str]:
    def tags() -> list[str]:
        first = below(len(words.TAGS))
        return [words.TAGS[(first + n * 5) % len(words.TAGS)] for n in range(below(5))]

    return [escaped(array_literal(tags())) for _nth in range(512)]


def biography(below: Below, odd: Sequence[str]) -> str:
    kind = below(10)
    if kind == 0:
        return NULL
    if kind == 1:
        return odd[below(len(odd))]
    one, other = (words.INTERESTS[below(len(words.INTERESTS))] for _nth in range(2))
    return f"Into {one} since {1970 + below(55)}, lately also {other}."


def phone(member: int) -> str:
    """No country has code 999. Every 23rd number is unknown, no two are equal."""
    return NULL if member % 23 == 3 else f"+999{member * SCATTER % 10**9:09d}"


def members(plan: Plan) -> Iterator[str]:
    below = plan.dice("community_members")
    preferences, tags = preference_pool(below), tag_pool(below)
    nicknames, bios = all_escaped(words.NICKNAMES), all_escaped(words.BIOS)
    given_names = [(name, slug(name)) for name in words.GIVEN_NAMES]
    family_names = [(name, slug(name)) for name in words.FAMILY_NAMES]
    for member in range(1, plan.members + 1):
        given, given_slug = given_names[below(len(given_names))]
        family, family_slug = family_names[below(len(family_names))]
        domain = words.MAIL_DOMAINS[below(len(words.MAIL_DOMAINS))]
        nickname = nicknames[below(len(nicknames))] if below(4) == 0 else NULL
        city = words.CITIES[below(len(words.CITIES))] if below(60) else NULL
        yield (
            f"{member}\t{given} {family}\t{nickname}\t{given_slug}.{family_slug}.{member}@{domain}\t"
            f"{phone(member)}\t{city}\t{STATUSES[below(len(STATUSES))]}\t{timestamp(plan.joined(member))}\t"
            f"{preferences[below(len(preferences))]}\t{tags[below(len(tags))]}\t{biography(below, bios)}\n"
        )


def number_pool(below: Below, dimensions: int) -> list[str]:
    """Formatted coordinates of about unit-length embeddings, twice over so that a slice may run past the end.

    Four uniform numbers summed are near enough to a normal distribution, and the same on every platform.
    """
    spread = 10**8
    scale = math.sqrt(3.0 / dimensions) / spread
    pool = [f"{sum(below(spread) for _nth in range(4)) * scale - 2 * spread * scale:.8f}" for _nth in range(POOL_SIZE)]
    return pool + pool


def embeddings(plan: Plan) -> Iterator[str]:
    """Give each member a slice of the pool, its start and stride: incompressible as real ones, at a join's price."""
    below = plan.dice("member_embeddings")
    pool = number_pool(below, plan.dimensions)
    slices = POOL_SIZE * (POOL_SIZE // plan.dimensions)
    first = below(slices)
    opening, closing = "[]" if plan.vector else "{}"
    for member in range(1, plan.members + 1):
        stride, start = divmod((first + member * SCATTER) % slices, POOL_SIZE)
        stride += 1
        numbers = ",".join(pool[start : start + stride * plan.dimensions : stride])
        created = timestamp(plan.joined(member) + 60)
        yield f"{member}\t{opening}{numbers}{closing}\t{MODELS[below(5) == 0]}\t{created}\n"


def message_body(below: Below, topics: Sequence[str], odd: Sequence[str]) -> str:
    if below(40) == 0:
        return odd[below(len(odd))]
    greeting = words.GREETINGS[below(len(words.GREETINGS))]
    closing = words.CLOSINGS[below(len(words.CLOSINGS))]
    reference = f"{8 + below(14)}:{below(60):02d}, ref {below(1_000_000):06d}"
    return f"{greeting} {topics[below(len(topics))]} ({reference}). {closing}"


def messages(plan: Plan) -> Iterator[str]:
    below = plan.dice("messages")
    topics, odd = all_escaped(words.TOPICS), all_escaped(words.ODD_MESSAGES)
    number = 0
    for member in range(1, plan.members + 1):
        joined = plan.joined(member)
        for _nth in range(below(2 * plan.messages_per_member + 1)):
            number += 1
            sent = timestamp(joined + below(LAST_SECOND - joined))
            yield f"{number}\t{member}\t{sent}\t{CHANNELS[below(4)]}\t{message_body(below, topics, odd)}\n"


def events(plan: Plan) -> Iterator[str]:
    below = plan.dice("events")
    titles = all_escaped(words.EVENT_TITLES)
    for event in range(1, plan.events + 1):
        organizer = str(1 + below(plan.members)) if below(12) else NULL
        capacity = str(5 * (1 + below(20))) if below(3) else NULL
        city = words.CITIES[below(len(words.CITIES))]
        starts = timestamp(below(LAST_SECOND // 1800) * 1800)
        yield f"{event}\t{titles[below(len(titles))]} {event}\t{city}\t{starts}\t{capacity}\t{organizer}\n"


def registrations(plan: Plan) -> Iterator[str]:
    below = plan.dice("event_registrations")
    notes = all_escaped(words.NOTES)
    for member in range(1, plan.members + 1):
        first, joined = below(plan.events), plan.joined(member)
        for n in range(below(min(plan.events, 4) + 1)):
            event = (first + n) % plan.events + 1
            note = notes[below(len(notes))] if below(5) == 0 else NULL
            yield f"{event}\t{member}\t{timestamp(joined + below(LAST_SECOND - joined))}\t{note}\n"


def attendance(plan: Plan) -> Iterator[str]:
    below = plan.dice("Attendance = 100%")
    notes = all_escaped(words.NOTES)
    for event in range(1, plan.events + 1):
        first = below(plan.members)
        for n in range(min(plan.members, below(8))):
            size = f"{150 + below(5000) / 100:.2f}" if below(6) else NULL
            yield f"{event}\t{(first + n) % plan.members + 1}\t{notes[below(len(notes))]}\t{size}\n"


TABLES: tuple[tuple[str, Callable[[Plan], Iterator[str]]], ...] = (
    (
        "public.community_members (id, name, nickname, email, phone, city, status, joined_at, preferences, tags, bio)",
        members,
    ),
    ("public.member_embeddings (member_id, embedding, model, created_at)", embeddings),
    ("public.events (id, title, city, starts_at, capacity, organizer_id)", events),
    ("public.event_registrations (event_id, member_id, registered_at, note)", registrations),
    ("public.messages (id, member_id, sent_at, channel, body)", messages),
    ('"Meetings & More"."Attendance = 100%" ("select", "member id", "weird ""quoted"" name", "größe")', attendance),
)

# One transaction: a script cut off by a broken pipe loads nothing. UTC, because the trigger keeps rows as JSON.
PROLOGUE = r"""\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET timezone = 'UTC';
BEGIN;
"""

# The member sequence ends ahead of the last id, as it does after sign-ups that were cancelled.
EPILOGUE = """
SET LOCAL community.clock = '2025-09-01 08:00:00+00';
UPDATE public.community_members SET status = 'paused' WHERE status = 'active' AND id % 37 = 5;
SET LOCAL community.clock = '2025-10-12 17:30:00+00';
UPDATE public.community_members SET city = 'Freiburg im Breisgau' WHERE city = 'Freiburg';

DO $$
BEGIN
    PERFORM setval(pg_get_serial_sequence('public.community_members', 'id'), max(id) + 12)
    FROM public.community_members;
    PERFORM setval(pg_get_serial_sequence('public.events', 'id'), max(id)) FROM public.events;
    PERFORM setval('public.message_number', max(id)) FROM public.messages;
END
$$;
REFRESH MATERIALIZED VIEW public.city_activity;
COMMIT;
ANALYZE;
"""


def script(plan: Plan) -> Iterator[str]:
    yield PROLOGUE
    for target, rows in TABLES:
        yield f"\nCOPY {target} FROM stdin;\n"
        yield from rows(plan)
        yield "\\.\n"
    yield EPILOGUE


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return int(text)

    return number


def parsed(arguments: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(description="Write the rows of Community Connect as a psql script.")
    parser.add_argument(
        "--seed", type=int, default=20251116, help="another seed, another community (default: %(default)s)"
    )
    parser.add_argument("--members", type=whole_number(1, 10**8), default=1247, help="default: %(default)s")
    parser.add_argument(
        "--messages-per-member", type=whole_number(0, 10_000), default=6, help="on average (default: %(default)s)"
    )
    parser.add_argument(
        "--dimensions", type=whole_number(1, 16_000), default=384, help="as given to schema.sql (default: %(default)s)"
    )
    parser.add_argument(
        "--vector", choices=("on", "off"), default="on", help="as given to schema.sql (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    return Plan(
        options.seed, options.members, options.messages_per_member, options.dimensions, vector=options.vector == "on"
    )


def main() -> int | str:
    plan = parsed()
    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", buffering=1 << 20, closefd=False) as output:
        try:
            output.writelines(script(plan))
            output.flush()
        except OSError as error:
            # After a broken pipe psql has said why. What is still buffered goes nowhere, or closing would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1 if isinstance(error, BrokenPipeError) else f"generate.py: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
