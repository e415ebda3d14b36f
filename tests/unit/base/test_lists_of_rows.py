"""Lists from the database are sorted, counted and cut in SQL."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries

from kneo_project.api.pagination import Listing
from kneo_project.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EVENTS = Listing(
    items_key="events",
    sort_by="created_at",
    sort_order="desc",
    sort_columns={"created_at": "created_at", "actor": "actor", "id": "public_id"},
    store_order=("-created_at", "-pk"),
)


@pytest.fixture(autouse=True)
def rows() -> None:
    for minute, actor in enumerate(["b", None, "a", "b"]):
        AuditEvent.objects.create(
            event_type=str(minute), actor=actor, created_at=NOON + timedelta(minutes=minute), public_id=uuid.uuid4()
        )


def listed(query: str) -> str:
    page = EVENTS.page_of(AuditEvent.objects.all(), EVENTS.read(QueryDict(query)))
    return "".join(event.event_type for event in page.items)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "3210"),
        ("sort_order=asc", "0123"),
        ("sort_by=actor&sort_order=asc", "2301"),
        ("sort_by=actor&sort_order=desc", "3021"),
        ("sort_by=metadata.secret&sort_order=asc", "3210"),
        ("sort_by=", "3210"),
        ("limit=2&offset=1", "21"),
        ("offset=10000", ""),
    ],
)
def test_the_order_is_total_and_nulls_come_last(query: str, expected: str) -> None:
    assert listed(query) == expected


def test_a_page_costs_two_queries_and_knows_the_total(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        page = EVENTS.page_of(AuditEvent.objects.all(), EVENTS.read(QueryDict("limit=1")))
    assert (len(page.items), page.total) == (1, 4)
