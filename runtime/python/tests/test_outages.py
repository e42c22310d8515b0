"""What is news about a database: said once, however many threads find it."""

from chanmqttproxy.handlers.outages import Outages


def test_an_outage_is_news_once() -> None:
    outages = Outages()
    assert outages.lost("default", began=1, now=2)
    assert not outages.lost("default", began=1, now=3)
    assert not outages.lost("default", began=4, now=5)
    assert outages.away() == ["default"]


def test_two_tries_that_succeed_at_once() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=2)
    assert outages.reached({"default"}, began=3, now=5) == ["default"]
    assert outages.reached({"default"}, began=3, now=5) == []
    assert outages.away() == []


def test_a_try_from_before_the_return_that_fails_late() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=2)
    outages.reached({"default"}, began=3, now=5)
    assert not outages.lost("default", began=4, now=9)
    assert outages.lost("default", began=9, now=10)


def test_a_try_from_before_the_outage_that_succeeds_late() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=5)
    assert outages.reached({"default"}, began=4, now=6) == []
    assert outages.away() == ["default"]


def test_only_the_database_that_was_waited_for_is_back() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=2)
    outages.lost("other", began=1, now=2)
    assert outages.reached({"other"}, began=3, now=4) == ["other"]
    assert outages.away() == ["default"]
    assert outages.reached({"default", "other"}, began=5, now=6) == ["default"]


def test_a_database_that_was_never_away() -> None:
    assert Outages().reached({"default"}, began=1, now=2) == []
