from runs.agents.interrupt import Interrupt


def test_the_first_reason_stays_and_callbacks_run_once() -> None:
    interrupt, calls = Interrupt(), list[str]()
    interrupt.on_trip(lambda: calls.append("told"))
    interrupt.trip("first")
    interrupt.trip("second")
    assert (interrupt.reason, calls) == ("first", ["told"])


def test_who_comes_late_is_told_at_once() -> None:
    interrupt, calls = Interrupt(), list[str]()
    interrupt.trip("first")
    interrupt.on_trip(lambda: calls.append("told"))
    assert calls == ["told"]


def test_who_has_lost_interest_is_not_told() -> None:
    interrupt, calls = Interrupt(), list[str]()
    forget = interrupt.on_trip(lambda: calls.append("told"))
    forget()
    forget()
    interrupt.trip("first")
    assert calls == []
