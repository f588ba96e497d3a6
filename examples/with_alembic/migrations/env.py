# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Alembic runs: the revisions, each in a transaction of its own, in the database that DATABASE_URL names."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import create_engine, make_url, pool

# The URL is libpq's; SQLAlchemy wants to know the driver that is installed beside it.
url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
