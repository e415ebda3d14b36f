"""The index of words that the page on benchmarks has people make is there afterwards, and can be made twice."""

import pytest
from django.db import connection

from tests.documentation.pages import blocks

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("run_output_words", "run_error_words")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it is an index of PostgreSQL")
def test_the_index_of_words_can_be_made_as_the_page_says() -> None:
    (script,) = blocks("benchmarks.md", "sql")
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f"DROP INDEX IF EXISTS {name}")
        for statement in script.split(";"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'runs_run'")
        assert {name for (name,) in cursor.fetchall()} >= set(NAMES)
