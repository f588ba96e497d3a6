# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schemas that many people know, without a fault in them: what an audit must not take for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.pgsafe.migration.tests.server.support import Database, clean_environment

# A rental shop, after the public structure of the sample database that is known as sakila and pagila.
RENTAL = """
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END';
CREATE TABLE language (language_id serial PRIMARY KEY, name character(20) NOT NULL,
                       last_update timestamptz NOT NULL DEFAULT now());
CREATE TABLE category (category_id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE actor (actor_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL);
CREATE TABLE film (
    film_id serial PRIMARY KEY, title text NOT NULL, description text, release_year year,
    language_id integer NOT NULL REFERENCES language ON UPDATE CASCADE,
    original_language_id integer REFERENCES language ON UPDATE CASCADE,
    rental_duration smallint NOT NULL DEFAULT 3, rental_rate numeric(4, 2) NOT NULL DEFAULT 4.99, length smallint,
    rating mpaa_rating DEFAULT 'G', last_update timestamptz NOT NULL DEFAULT now(), special_features text[],
    fulltext tsvector NOT NULL);
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE TABLE film_actor (actor_id integer REFERENCES actor, film_id integer REFERENCES film,
                         PRIMARY KEY (actor_id, film_id));
CREATE TABLE film_category (film_id integer REFERENCES film, category_id integer REFERENCES category,
                            PRIMARY KEY (film_id, category_id));
CREATE TABLE country (country_id serial PRIMARY KEY, country text NOT NULL);
CREATE TABLE city (city_id serial PRIMARY KEY, city text NOT NULL, country_id integer NOT NULL REFERENCES country);
CREATE TABLE address (address_id serial PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL,
                      city_id integer NOT NULL REFERENCES city, postal_code text, phone text NOT NULL);
CREATE TABLE store (store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL,
                    address_id integer NOT NULL REFERENCES address);
CREATE UNIQUE INDEX idx_unq_manager_staff_id ON store (manager_staff_id);
CREATE TABLE staff (staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
                    address_id integer NOT NULL REFERENCES address, email text, store_id integer NOT NULL,
                    active boolean NOT NULL DEFAULT true, username text NOT NULL, password text, picture bytea);
CREATE TABLE customer (customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES store,
                       first_name text NOT NULL, last_name text NOT NULL, email text,
                       address_id integer NOT NULL REFERENCES address, activebool boolean NOT NULL DEFAULT true,
                       create_date date NOT NULL DEFAULT CURRENT_DATE, active integer);
CREATE TABLE inventory (inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES film,
                        store_id integer NOT NULL REFERENCES store);
CREATE TABLE rental (rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL,
                     inventory_id integer NOT NULL REFERENCES inventory,
                     customer_id integer NOT NULL REFERENCES customer, return_date timestamptz,
                     staff_id integer NOT NULL REFERENCES staff);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
CREATE TABLE payment (payment_id serial NOT NULL, customer_id integer NOT NULL, staff_id integer NOT NULL,
                      rental_id integer NOT NULL, amount numeric(5, 2) NOT NULL, payment_date timestamptz NOT NULL,
                      PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_p2022_01 PARTITION OF payment FOR VALUES FROM ('2022-01-01') TO ('2022-02-01');
CREATE TABLE payment_p2022_02 PARTITION OF payment FOR VALUES FROM ('2022-02-01') TO ('2022-03-01');
ALTER TABLE payment_p2022_01 ADD FOREIGN KEY (customer_id) REFERENCES customer,
    ADD FOREIGN KEY (staff_id) REFERENCES staff, ADD FOREIGN KEY (rental_id) REFERENCES rental;
ALTER TABLE payment_p2022_02 ADD FOREIGN KEY (customer_id) REFERENCES customer,
    ADD FOREIGN KEY (staff_id) REFERENCES staff, ADD FOREIGN KEY (rental_id) REFERENCES rental;
CREATE TRIGGER last_updated BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE VIEW film_list AS SELECT f.film_id, f.title, c.name FROM film f JOIN film_category USING (film_id)
    JOIN category c USING (category_id);
INSERT INTO language (name) VALUES ('English'), ('Italian');
INSERT INTO category (name) VALUES ('Action'), ('Family');
INSERT INTO actor (first_name, last_name) SELECT 'PENELOPE', 'GUINESS' || i FROM generate_series(1, 200) AS i;
INSERT INTO film (title, description, release_year, language_id, original_language_id, fulltext)
SELECT 'ACADEMY ' || i, 'An epic drama', 2006, 1 + i % 2, nullif(i % 3, 0), to_tsvector('academy ' || i)
  FROM generate_series(1, 300) AS i;
INSERT INTO film_actor SELECT 1 + i % 200, i FROM generate_series(1, 300) AS i;
INSERT INTO film_category SELECT i, 1 + i % 2 FROM generate_series(1, 300) AS i;
INSERT INTO country (country) VALUES ('Canada'), ('Australia');
INSERT INTO city (city, country_id) VALUES ('Lethbridge', 1), ('Woodridge', 2);
INSERT INTO address (address, address2, district, city_id, postal_code, phone)
SELECT i || ' MySakila Drive', CASE i % 2 WHEN 0 THEN '' END, 'Alberta', 1 + i % 2, '', repeat('9', 12)
  FROM generate_series(1, 40) AS i;
INSERT INTO store (manager_staff_id, address_id) VALUES (1, 1), (2, 2);
INSERT INTO staff (first_name, last_name, address_id, email, store_id, username)
VALUES ('Mike', 'Hillyer', 3, 'Mike.Hillyer@sakilastaff.com', 1, 'Mike'), ('Jon', 'Stephens', 4, NULL, 2, 'Jon');
ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff;
INSERT INTO customer (store_id, first_name, last_name, email, address_id)
SELECT 1 + i % 2, 'MARY', 'SMITH' || i, 'MARY.SMITH' || i || '@sakilacustomer.org', 5 + i % 30
  FROM generate_series(1, 100) AS i;
INSERT INTO inventory (film_id, store_id) SELECT i, 1 + i % 2 FROM generate_series(1, 300) AS i;
INSERT INTO rental (rental_date, inventory_id, customer_id, return_date, staff_id)
SELECT timestamptz '2022-01-01' + i * interval '3 hours', i, 1 + i % 100, NULL, 1 + i % 2
  FROM generate_series(1, 300) AS i;
INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date)
SELECT 1 + i % 100, 1 + i % 2, i, 2.99, timestamptz '2022-01-02' + i * interval '3 hours'
  FROM generate_series(1, 300) AS i;
ANALYZE;
"""

# The tables of Django's own applications, made by its own migrations, with a user, a group and a session in them.
_DJANGO = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
names = ("admin", "auth", "contenttypes", "messages", "sessions", "sites")
host, port, user, name = sys.argv[1:]
database = {"ENGINE": "django.db.backends.postgresql", "HOST": host, "PORT": port, "USER": user, "NAME": name}
settings.configure(INSTALLED_APPS=[f"django.contrib.{name}" for name in names], DATABASES={"default": database},
                   USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", SECRET_KEY="of a test")
django.setup()
call_command("migrate", verbosity=0)
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.backends.db import SessionStore
user = User.objects.create_superuser("admin", "admin@example.org", "of a test")
group = Group.objects.create(name="editors")
group.permissions.set(Permission.objects.all())
user.groups.add(group)
SessionStore().create()
"""


def rental(database: Database) -> None:
    database.sql(RENTAL)


def pgbench(database: Database) -> None:
    """By the server's own program."""
    program = database.server.bin_dir / "pgbench"
    env = {**os.environ, **database.server.environment()}
    argv = [str(program), "-i", "-q", "--foreign-keys", "--partitions=3", database.name]
    subprocess.run(argv, env=env, capture_output=True, check=True)


def django(database: Database) -> None:
    target = database.target
    given = [target.params["host"], target.params["port"], target.params["user"], database.name]
    argv = [sys.executable, "-c", _DJANGO, *given]
    subprocess.run(argv, env=clean_environment(Path(os.devnull)), capture_output=True, check=True)
