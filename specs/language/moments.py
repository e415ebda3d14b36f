"""Moments written in specs."""

from datetime import UTC, datetime


def moment(text: str) -> datetime | None:
    """Return the moment that the ISO 8601 ``text`` names, UTC unless it says otherwise; None when it names none."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
