"""What a database's address makes of Django's settings."""

import pytest

from kneo_project import settings

URL = "postgresql://kneo:secret@db/kneo"


def test_a_connection_keeps_prepared_statements_and_cursors_unless_a_pooler_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = settings.database(URL)
    assert kept["OPTIONS"]["prepare_threshold"] == 3
    assert "DISABLE_SERVER_SIDE_CURSORS" not in kept
    monkeypatch.setattr(settings, "DATABASE_PREPARED_STATEMENTS", False)
    pooled = settings.database(URL)
    assert not {"prepare_threshold", "server_side_binding"} & set(pooled["OPTIONS"])
    assert pooled["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_host_that_vanishes_is_noticed_within_a_minute_unless_the_address_says_otherwise() -> None:
    assert settings.database(URL)["OPTIONS"]["tcp_user_timeout"] <= 60_000
    patient = settings.database(f"{URL}?tcp_user_timeout=120000&keepalives_idle=60")["OPTIONS"]
    assert (int(patient["tcp_user_timeout"]), int(patient["keepalives_idle"])) == (120_000, 60)
