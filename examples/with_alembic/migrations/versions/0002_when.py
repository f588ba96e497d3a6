# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A note says when it was written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    written_at = sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
    op.add_column("notes", written_at)
