"""The statements that the page on scaling shows do what it says, on fewer rows."""

import pytest
from django.db import connection

from tests.documentation.pages import blocks
from tests.settings import DATABASE

pytestmark = [
    pytest.mark.skipif(DATABASE != "postgres", reason="the page is about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize("shown", blocks("scaling.md", "sql"), ids=lambda shown: shown.split("(")[0].strip())
def test_the_statements_of_the_page_can_be_given(shown: str) -> None:
    few = shown.replace("1000000", "100").replace("1010000", "110")
    try:
        with connection.cursor() as cursor:
            for statement in few.split(";\n"):
                cursor.execute(statement)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS records, ids")
            cursor.execute("DROP FUNCTION IF EXISTS id_at")
            cursor.execute(
                "ALTER TABLE runs_run RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)"
            )
