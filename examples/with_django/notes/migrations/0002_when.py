# Copyright: (c) 2026, pgsafe maintainers
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A note says when it was written."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = (("notes", "0001_initial"),)
    operations = (migrations.AddField("note", "written_at", models.DateTimeField(auto_now_add=True, db_default=Now())),)
