"""When an endpoint is left alone, and who may find out whether it is back."""

from runs.agents.models.circuit import Circuit


def opened(failures: int = 2) -> Circuit:
    """Return a circuit that opened at the moment 0, to rest for ten seconds."""
    circuit = Circuit(failures=failures, rest_seconds=10)
    for _ in range(failures):
        circuit.end(is_probe=circuit.begin(), has_failed=True, now=0)
    return circuit


def test_failures_in_a_row_open_it() -> None:
    circuit = Circuit(failures=2, rest_seconds=10)
    for has_failed in (True, False, True):
        circuit.end(is_probe=circuit.begin(), has_failed=has_failed, now=0)
    assert circuit.seconds_left(0) is None
    circuit.end(is_probe=circuit.begin(), has_failed=True, now=0)
    assert circuit.seconds_left(4) == 6


def test_without_a_limit_it_never_opens() -> None:
    circuit = Circuit(failures=0, rest_seconds=10)
    for _ in range(100):
        circuit.end(is_probe=circuit.begin(), has_failed=True, now=0)
    assert circuit.seconds_left(0) is None


def test_only_one_call_at_a_time_finds_out_whether_it_is_back() -> None:
    circuit = opened()
    assert circuit.seconds_left(10) is None
    assert circuit.begin()
    assert circuit.seconds_left(11) == 0


def test_the_probe_closes_it_or_opens_it_again() -> None:
    for has_failed, left in ((False, None), (True, 10)):
        circuit = opened()
        circuit.end(is_probe=circuit.begin(), has_failed=has_failed, now=10)
        assert circuit.seconds_left(10) == left


def test_a_probe_that_is_broken_off_leaves_its_place_to_another() -> None:
    circuit = opened()
    circuit.end(is_probe=circuit.begin(), has_failed=None, now=10)
    assert circuit.seconds_left(10) is None
    assert circuit.begin()


def test_calls_that_began_before_it_opened_change_nothing() -> None:
    for has_failed in (False, True, None):
        circuit = opened()
        circuit.end(is_probe=False, has_failed=has_failed, now=5)
        assert circuit.seconds_left(5) == 5

        assert circuit.begin()
        circuit.end(is_probe=False, has_failed=has_failed, now=11)
        assert circuit.seconds_left(11) == 0
