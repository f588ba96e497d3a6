# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dirt of every kind that the audit knows, each with what it has to find, and what looks like dirt and is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dirt:
    """:param sql: plants it, in the schema dirt.
    :param found: the count of each finding by its key.
    :param since: the first major that has such a thing.
    """

    sql: str
    found: Mapping[str, int] = field(default_factory=dict)
    since: int = 0


# Rows that an index does not know, as a corrupt one does not; and rows that no trigger sees.
PROLOGUE = """
CREATE SCHEMA dirt;
CREATE FUNCTION dirt.behind(index regclass, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_catalog.pg_index SET indisready = false WHERE indexrelid = index;
    EXECUTE statement;
    UPDATE pg_catalog.pg_index SET indisready = true WHERE indexrelid = index;
END $$;
CREATE FUNCTION dirt.unseen(statement text) RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    EXECUTE statement;
END $$;
CREATE FUNCTION dirt.fine(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION dirt.fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
"""

# What was checked by these functions is not fine any more.
EPILOGUE = """
CREATE OR REPLACE FUNCTION dirt.fine(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 < 10';
CREATE OR REPLACE FUNCTION dirt.fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 !~ ''bad''';
DROP FUNCTION dirt.behind, dirt.unseen;
"""

ORPHANS = (
    Dirt(
        """
CREATE TABLE dirt.one (id integer PRIMARY KEY);
CREATE TABLE dirt.many (id integer PRIMARY KEY, one integer REFERENCES dirt.one);
INSERT INTO dirt.one VALUES (1), (2);
SELECT dirt.unseen('INSERT INTO dirt.many VALUES (1, 1), (2, NULL), (3, 77), (4, 78), (5, 78)')""",
        {"orphans dirt.many constraint many_one_fkey": 3},
    ),
    Dirt(
        """
CREATE TABLE dirt.pair (a integer, b text, PRIMARY KEY (a, b));
CREATE TABLE dirt.simple (id integer PRIMARY KEY, a integer, b text,
                          CONSTRAINT simple_pair FOREIGN KEY (a, b) REFERENCES dirt.pair);
CREATE TABLE dirt.complete (id integer PRIMARY KEY, a integer, b text,
                            CONSTRAINT complete_pair FOREIGN KEY (a, b) REFERENCES dirt.pair MATCH FULL);
INSERT INTO dirt.pair VALUES (1, 'x');
SELECT dirt.unseen('INSERT INTO dirt.simple VALUES (1, 1, ''x''), (2, 1, NULL), (3, NULL, ''y''), (4, 1, ''secret''),
                                                   (5, 2, ''x'')');
SELECT dirt.unseen('INSERT INTO dirt.complete VALUES (1, 1, ''x''), (2, NULL, NULL), (3, 1, NULL), (4, 3, ''x'')')""",
        {"orphans dirt.simple constraint simple_pair": 2, "orphans dirt.complete constraint complete_pair": 2},
    ),
    Dirt(
        """
CREATE TABLE dirt.parts (id integer PRIMARY KEY, one integer CONSTRAINT parts_one REFERENCES dirt.one)
    PARTITION BY RANGE (id);
CREATE TABLE dirt.parts_1 PARTITION OF dirt.parts FOR VALUES FROM (1) TO (10);
CREATE TABLE dirt.parts_2 PARTITION OF dirt.parts FOR VALUES FROM (10) TO (20);
ALTER TABLE dirt.parts_2 ADD CONSTRAINT parts_2_own FOREIGN KEY (id) REFERENCES dirt.parts;
SELECT dirt.unseen('INSERT INTO dirt.parts VALUES (1, 1), (2, 79), (11, 2), (12, 79)');
CREATE TABLE dirt.of_parts (id integer PRIMARY KEY CONSTRAINT of_parts_part REFERENCES dirt.parts);
SELECT dirt.unseen('INSERT INTO dirt.of_parts VALUES (1), (11), (99)')""",
        {"orphans dirt.parts constraint parts_one": 2, "orphans dirt.of_parts constraint of_parts_part": 1},
    ),
    Dirt(
        """
CREATE TABLE dirt.tree (id bigint PRIMARY KEY, above smallint CONSTRAINT tree_above REFERENCES dirt.tree);
ALTER TABLE dirt.tree DISABLE TRIGGER ALL;
INSERT INTO dirt.tree VALUES (1, NULL), (2, 1), (3, 30);
ALTER TABLE dirt.tree ENABLE TRIGGER ALL""",
        {"orphans dirt.tree constraint tree_above": 1},
    ),
    Dirt(
        """
CREATE DOMAIN dirt.code AS text;
CREATE TABLE dirt."Ünïcode ""x"" %s" ("{k}" text COLLATE "C" PRIMARY KEY);
CREATE TABLE dirt."refers 100%" (id integer PRIMARY KEY, "the {k}" dirt.code COLLATE "POSIX"
                                 CONSTRAINT "to {0}" REFERENCES dirt."Ünïcode ""x"" %s");
INSERT INTO dirt."Ünïcode ""x"" %s" VALUES ('a');
SELECT dirt.unseen('INSERT INTO dirt."refers 100%" VALUES (1, ''a''), (2, ''b'')')""",
        {'orphans dirt."refers 100%" constraint "to {0}"': 1},
    ),
    Dirt(
        """
SELECT dirt.unseen('INSERT INTO public.messages (member_id, sent_at, channel, body)
                    VALUES (999999, ''2024-05-05'', ''email'', ''x''), (999999, ''2025-05-05'', ''email'', ''x'')');
SELECT dirt.unseen('INSERT INTO "Meetings & More"."Attendance = 100%" VALUES (9999, 1, ''x'', 1)')""",
        {
            "orphans public.messages constraint messages_member_id_fkey": 2,
            'orphans "Meetings & More"."Attendance = 100%" constraint "Attendance → event"': 1,
        },
    ),
    Dirt(
        """
CREATE TABLE dirt.periods (span int4range, valid daterange, PRIMARY KEY (span, valid WITHOUT OVERLAPS));
CREATE TABLE dirt.within (span int4range, valid daterange, PRIMARY KEY (span, valid WITHOUT OVERLAPS),
                          CONSTRAINT in_time FOREIGN KEY (span, PERIOD valid) REFERENCES dirt.periods)""",
        {
            "not_looked_at orphans dirt.within constraint in_time": 1,
            "not_looked_at duplicates dirt.periods index periods_pkey": 1,
            "not_looked_at duplicates dirt.within index within_pkey": 1,
        },
        since=18,
    ),
)

DUPLICATES = (
    Dirt(
        """
CREATE TABLE dirt.keyed (id integer CONSTRAINT keyed_pkey PRIMARY KEY, note text UNIQUE);
INSERT INTO dirt.keyed SELECT i, 'n' || i FROM generate_series(1, 9) AS i;
SELECT dirt.behind('dirt.keyed_pkey', 'INSERT INTO dirt.keyed VALUES (4, NULL), (4, NULL), (5, ''fifth'')')""",
        {"duplicates dirt.keyed index keyed_pkey": 3},
    ),
    Dirt(
        """
CREATE TABLE dirt.names (id integer PRIMARY KEY, name text, gone boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX names_lower ON dirt.names (lower(name), (id % 1)) INCLUDE (gone);
CREATE UNIQUE INDEX names_living ON dirt.names (name COLLATE "C") WHERE NOT gone;
INSERT INTO dirt.names VALUES (1, 'Anna'), (2, 'Bert'), (3, NULL), (4, NULL);
SELECT dirt.behind('dirt.names_lower', 'INSERT INTO dirt.names VALUES (5, ''ANNA''), (6, ''anna'')');
SELECT dirt.behind('dirt.names_lower', 'INSERT INTO dirt.names VALUES (7, ''Bert'', true)');
SELECT dirt.behind('dirt.names_lower', $s$SELECT dirt.behind('dirt.names_living',
    'INSERT INTO dirt.names VALUES (8, ''Bert'')')$s$)""",
        {"duplicates dirt.names index names_lower": 4, "duplicates dirt.names index names_living": 1},
    ),
    Dirt(
        """
CREATE TABLE dirt.nulls (id integer PRIMARY KEY, a integer, b integer, UNIQUE (a, b));
CREATE UNIQUE INDEX nulls_once ON dirt.nulls (b) NULLS NOT DISTINCT;
INSERT INTO dirt.nulls VALUES (1, 1, NULL), (2, 1, 5);
SELECT dirt.behind('dirt.nulls_once', 'INSERT INTO dirt.nulls VALUES (3, 1, NULL)')""",
        {"duplicates dirt.nulls index nulls_once": 1},
        since=15,
    ),
    Dirt(
        """
CREATE TABLE dirt.ranged (id integer CONSTRAINT ranged_pkey PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE dirt.ranged_1 PARTITION OF dirt.ranged FOR VALUES FROM (1) TO (10);
INSERT INTO dirt.ranged VALUES (1), (2);
SELECT dirt.behind('dirt.ranged_1_pkey', 'INSERT INTO dirt.ranged VALUES (2)')""",
        {"duplicates dirt.ranged index ranged_pkey": 1},
    ),
    Dirt(
        """
CREATE TABLE dirt.apart (id integer PRIMARY KEY, circle circle, CONSTRAINT apart_circles EXCLUDE USING gist
                         (circle WITH &&))""",
        {"not_looked_at duplicates dirt.apart index apart_circles": 1},
    ),
)

CHECKS = (
    Dirt(
        """
CREATE TABLE dirt.checked (id integer PRIMARY KEY, n integer CONSTRAINT checked_fine CHECK (dirt.fine(n)));
INSERT INTO dirt.checked VALUES (1, 1), (2, NULL), (3, 30), (4, 40)""",
        {"check_violations dirt.checked constraint checked_fine": 2},
    ),
    Dirt(
        """
CREATE TABLE dirt.sliced (id integer PRIMARY KEY, CONSTRAINT sliced_fine CHECK (dirt.fine(id))) PARTITION BY LIST (id);
CREATE TABLE dirt.sliced_all PARTITION OF dirt.sliced DEFAULT;
INSERT INTO dirt.sliced VALUES (1), (50)""",
        {"check_violations dirt.sliced constraint sliced_fine": 1},
    ),
    Dirt(
        """
CREATE TABLE dirt.elder (id integer PRIMARY KEY, n integer, CONSTRAINT kin_fine CHECK (dirt.fine(n)));
CREATE TABLE dirt.younger () INHERITS (dirt.elder);
INSERT INTO dirt.elder VALUES (1, 1);
INSERT INTO dirt.younger VALUES (2, 2), (3, 60)""",
        {"check_violations dirt.younger constraint kin_fine": 1, "no_primary_key dirt.younger": 1},
    ),
    Dirt(
        """
CREATE FUNCTION dirt.helper(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION dirt.helped(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';
SET search_path = dirt;
CREATE TABLE dirt.by_path (id integer PRIMARY KEY CONSTRAINT by_path_check CHECK (dirt.helped(id)));
INSERT INTO dirt.by_path VALUES (1);
RESET search_path""",
        {"not_looked_at check_violations dirt.by_path constraint by_path_check": 1},
    ),
    Dirt(
        """
CREATE DOMAIN dirt.good AS text CONSTRAINT good_word CHECK (dirt.fine(VALUE));
CREATE DOMAIN dirt.better AS dirt.good CONSTRAINT better_word CHECK (length(VALUE) < 100);
CREATE TABLE dirt.words (id integer PRIMARY KEY, "key" dirt.good, value dirt.better);
INSERT INTO dirt.words VALUES (1, 'well', 'well'), (2, 'bad', 'very bad'), (3, 'bad', NULL)""",
        {
            "domain_violations dirt.words.key constraint good_word of its domain": 2,
            "domain_violations dirt.words.value constraint good_word of its domain": 1,
        },
    ),
)

NOT_VALID = (
    Dirt(
        """
CREATE TABLE dirt.lax (id integer PRIMARY KEY, one integer, n integer);
INSERT INTO dirt.lax VALUES (1, 1, 1), (2, 81, -2), (3, 82, -3), (4, 82, NULL);
ALTER TABLE dirt.lax ADD CONSTRAINT lax_one FOREIGN KEY (one) REFERENCES dirt.one NOT VALID,
                     ADD CONSTRAINT lax_positive CHECK (n > 0) NOT VALID,
                     ADD CONSTRAINT lax_small CHECK (n < 100) NOT VALID""",
        {
            "not_valid_constraints dirt.lax constraint lax_one": 1,
            "not_valid_constraints dirt.lax constraint lax_positive": 1,
            "not_valid_constraints dirt.lax constraint lax_small": 1,
            "not_valid_rows dirt.lax constraint lax_one": 3,
            "not_valid_rows dirt.lax constraint lax_positive": 2,
        },
    ),
    Dirt(
        """
CREATE TABLE dirt.later (id integer PRIMARY KEY, n integer, CONSTRAINT later_loose CHECK (n > 0) NOT ENFORCED);
INSERT INTO dirt.later VALUES (1, NULL), (2, -1), (3, NULL);
ALTER TABLE dirt.later ADD CONSTRAINT later_n NOT NULL n NOT VALID""",
        {
            "not_valid_constraints dirt.later constraint later_loose": 1,
            "not_valid_constraints dirt.later constraint later_n": 1,
            "not_valid_rows dirt.later constraint later_loose": 1,
            "not_valid_rows dirt.later constraint later_n": 2,
        },
        since=18,
    ),
)

OBJECTS = (
    Dirt(
        """
CREATE TABLE dirt.indexed (id integer PRIMARY KEY, n integer);
INSERT INTO dirt.indexed VALUES (1, 5), (2, 5);
CREATE INDEX failed ON dirt.indexed (n); CREATE INDEX unready ON dirt.indexed (n, id);
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'dirt.failed'::regclass;
UPDATE pg_catalog.pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 'dirt.unready'::regclass;
CREATE INDEX ranged_only ON ONLY dirt.ranged (id)""",
        {"invalid_indexes dirt.failed": 1, "invalid_indexes dirt.unready": 1, "invalid_indexes dirt.ranged_only": 1},
    ),
    Dirt(
        """
CREATE FUNCTION dirt.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE dirt.off (id integer PRIMARY KEY, one integer CONSTRAINT off_one REFERENCES dirt.one);
CREATE TRIGGER "switched off" AFTER INSERT ON dirt.off FOR EACH ROW EXECUTE FUNCTION dirt.nothing();
ALTER TABLE dirt.off DISABLE TRIGGER ALL;
CREATE TRIGGER everywhere AFTER INSERT ON dirt.parts FOR EACH ROW EXECUTE FUNCTION dirt.nothing();
ALTER TABLE dirt.parts DISABLE TRIGGER everywhere""",
        {
            "disabled_triggers dirt.off constraint off_one": 1,
            'disabled_triggers dirt.off trigger "switched off"': 1,
            "disabled_triggers dirt.parts trigger everywhere": 1,
        },
    ),
    Dirt(
        """
CREATE TABLE dirt.counted (id serial PRIMARY KEY, other integer GENERATED BY DEFAULT AS IDENTITY, down integer);
CREATE SEQUENCE dirt.shared; CREATE SEQUENCE dirt.downwards INCREMENT -1 OWNED BY dirt.counted.down;
CREATE TABLE dirt.sharing (id bigint PRIMARY KEY DEFAULT nextval('dirt.shared'));
INSERT INTO dirt.counted VALUES (5, 1, -7);
SELECT setval('dirt.counted_other_seq', 1);
INSERT INTO dirt.sharing VALUES (1)""",
        {
            "sequences_behind dirt.counted_id_seq of dirt.counted.id": 1,
            "sequences_behind dirt.downwards of dirt.counted.down": 1,
            "sequences_behind dirt.shared of dirt.sharing.id": 1,
        },
    ),
    Dirt(
        """
CREATE TABLE dirt.ending (id smallserial PRIMARY KEY, wide integer, down integer);
SELECT setval('dirt.ending_id_seq', 30000);
CREATE SEQUENCE dirt.wide OWNED BY dirt.ending.wide; SELECT setval('dirt.wide', 2000000000);
CREATE SEQUENCE dirt.down INCREMENT -1 OWNED BY dirt.ending.down; SELECT setval('dirt.down', -2000000000)""",
        {
            "sequences_near_end dirt.ending_id_seq of dirt.ending.id": 1,
            "sequences_near_end dirt.wide of dirt.ending.wide": 1,
            "sequences_near_end dirt.down of dirt.ending.down": 1,
        },
    ),
    Dirt("CREATE TABLE dirt.keyless (n integer)", {"no_primary_key dirt.keyless": 1}),
)

GUESSES = (
    Dirt(
        """
CREATE TABLE dirt.companies (id bigint PRIMARY KEY);
CREATE TABLE dirt.bills (id integer PRIMARY KEY, company_id integer);
INSERT INTO dirt.companies VALUES (1), (2);
INSERT INTO dirt.bills VALUES (1, 1), (2, 2), (3, NULL), (4, 90), (5, 91)""",
        {"guessed_foreign_keys dirt.bills.company_id to dirt.companies": 2},
    ),
    Dirt(
        """
CREATE TABLE dirt.people (id integer PRIMARY KEY, surname text, home_email text, mobile_phone varchar(40),
                          born_date text, note text);
INSERT INTO dirt.people SELECT i, 'n' || i, 'a@example.org', '+49 (30) 123-45', '2026-02-28', 'x'
  FROM generate_series(1, 300) AS i;
UPDATE dirt.people SET surname = NULL WHERE id <= 3;
UPDATE dirt.people SET home_email = 'nobody at home' WHERE id IN (5, 6);
UPDATE dirt.people SET mobile_phone = 'ask me' WHERE id = 7;
UPDATE dirt.people SET mobile_phone = '12' WHERE id = 8;
UPDATE dirt.people SET born_date = '2026-13-01' WHERE id = 9;
UPDATE dirt.people SET note = E' \\t\\n' WHERE id IN (10, 11)""",
        {
            "nearly_not_null dirt.people.surname": 3,
            "malformed_emails dirt.people.home_email": 2,
            "malformed_phones dirt.people.mobile_phone": 2,
            "malformed_dates dirt.people.born_date": 1,
            "blank_strings dirt.people.note": 2,
        },
    ),
)

# Next to each kind of dirt what looks like it and is none.
CLEAN = (
    Dirt("""
CREATE TABLE dirt.optional (id integer PRIMARY KEY, a integer, b text,
                            FOREIGN KEY (a, b) REFERENCES dirt.pair,
                            FOREIGN KEY (a, b) REFERENCES dirt.pair MATCH FULL DEFERRABLE INITIALLY DEFERRED);
INSERT INTO dirt.optional VALUES (1, NULL, NULL), (2, 1, 'x');
CREATE TABLE dirt.loose (id integer PRIMARY KEY, a integer, b text, UNIQUE (a, b) DEFERRABLE);
CREATE UNIQUE INDEX loose_some ON dirt.loose (a) WHERE b IS NULL AND a > 5;
INSERT INTO dirt.loose VALUES (1, 1, NULL), (2, 1, NULL), (3, NULL, 'x'), (4, NULL, 'x'), (5, 1, 'x'), (6, 6, NULL);
CREATE TABLE dirt.round (id smallint PRIMARY KEY, n integer CONSTRAINT round_n CHECK (n > 0));
CREATE SEQUENCE dirt.again AS smallint CYCLE OWNED BY dirt.round.id; SELECT setval('dirt.again', 32000);
INSERT INTO dirt.round VALUES (32001, 1), (32002, NULL);
CREATE SEQUENCE dirt.alone; SELECT setval('dirt.alone', 9223372036854775807);
CREATE TABLE dirt.letters (id integer PRIMARY KEY, code text DEFAULT 'A' || nextval('dirt.alone'),
                           email_domain text, telephone_book text, dates text, object_id integer, thing_id text);
CREATE TABLE dirt.objects (id integer PRIMARY KEY);
CREATE TABLE dirt.things (id integer PRIMARY KEY);
INSERT INTO dirt.objects VALUES (1);
INSERT INTO dirt.letters VALUES (1, 'A1', 'example.org', 'green', 'many', 5, '7');
CREATE TABLE dirt.quiet (id integer PRIMARY KEY, n integer) PARTITION BY RANGE (id);
CREATE TABLE dirt.quiet_1 PARTITION OF dirt.quiet FOR VALUES FROM (1) TO (10);
CREATE INDEX quiet_n ON dirt.quiet (n);
CREATE TABLE dirt.replica (id integer PRIMARY KEY);
CREATE TRIGGER only_there AFTER INSERT ON dirt.replica FOR EACH ROW EXECUTE FUNCTION dirt.nothing();
ALTER TABLE dirt.replica ENABLE REPLICA TRIGGER only_there;
CREATE TABLE dirt.contact (id integer PRIMARY KEY, email text, phone_number text, seen_at text, shipped_date text);
INSERT INTO dirt.contact VALUES (1, 'a.b+c@mail.example.org', '+1 555.010.9999', '2026-11-25T20:00:00Z', '25.11.2026'),
                                (2, NULL, '030/1234567', '2026-1-5', '11/25/2026');
CREATE TEMPORARY TABLE passing (n integer)"""),
)

DIRT = (*ORPHANS, *DUPLICATES, *CHECKS, *NOT_VALID, *OBJECTS, *GUESSES)


# An error of each kind alone, and what the audit says of it.
UNRESTORABLE = {
    "orphans under a valid composite key": Dirt(
        """
CREATE TABLE pair (a integer, b text, PRIMARY KEY (a, b));
CREATE TABLE refers (id integer PRIMARY KEY, a integer, b text, CONSTRAINT to_pair FOREIGN KEY (a, b) REFERENCES pair);
SET session_replication_role = replica;
INSERT INTO refers VALUES (1, 42, 'secret'), (2, 42, NULL)""",
        {"orphans public.refers constraint to_pair": 1},
    ),
    "duplicates that the index does not know": Dirt(
        """
CREATE TABLE keyed (id integer PRIMARY KEY);
INSERT INTO keyed VALUES (1);
UPDATE pg_catalog.pg_index SET indisready = false WHERE indexrelid = 'keyed_pkey'::regclass;
INSERT INTO keyed VALUES (1);
UPDATE pg_catalog.pg_index SET indisready = true WHERE indexrelid = 'keyed_pkey'::regclass""",
        {"duplicates public.keyed index keyed_pkey": 1},
    ),
    "a row that a changed check forbids": Dirt(
        """
CREATE FUNCTION fine(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE TABLE checked (id integer PRIMARY KEY CONSTRAINT checked_id CHECK (fine(id)));
INSERT INTO checked VALUES (1), (2);
CREATE OR REPLACE FUNCTION fine(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 > 1'""",
        {"check_violations public.checked constraint checked_id": 1},
    ),
    "a value that a changed domain forbids": Dirt(
        """
CREATE FUNCTION fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE DOMAIN word AS text CONSTRAINT word_fine CHECK (fine(VALUE));
CREATE TABLE said (id integer PRIMARY KEY, word word);
INSERT INTO said VALUES (1, 'one'), (2, 'two');
CREATE OR REPLACE FUNCTION fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$SELECT $1 <> 'one'$$""",
        {"domain_violations public.said.word constraint word_fine of its domain": 1},
    ),
    "a check that cannot be evaluated without a search_path": Dirt(
        """
CREATE FUNCTION helper(integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION helped(integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';
CREATE TABLE by_path (id integer PRIMARY KEY CONSTRAINT by_path_id CHECK (helped(id)));
INSERT INTO by_path VALUES (1)""",
        {"not_looked_at check_violations public.by_path constraint by_path_id": 1},
    ),
}


def script(major: int) -> str:
    """What plants all of it on a server of this major."""
    planted = [dirt.sql for dirt in (*DIRT, *CLEAN) if dirt.since <= major]
    return ";\n".join([PROLOGUE, *planted, EPILOGUE])


def expected(major: int) -> dict[str, int]:
    return {key: count for dirt in DIRT if dirt.since <= major for key, count in dirt.found.items()}
