"""What is news about a database: said once, however many threads find it."""

from chanmqttproxy.handlers.outages import Outages


def test_an_outage_is_news_once() -> None:
    outages = Outages()
    assert outages.lost("default", began=1, now=2)
    assert not outages.lost("default", began=1, now=3)
    assert not outages.lost("default", began=4, now=5)
    assert outages.away() == ["default"]


def test_a_try_from_before_the_return_that_fails_late() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=2)
    outages.returned("default", now=5)
    assert outages.away() == []
    assert not outages.lost("default", began=4, now=9)
    assert outages.lost("default", began=9, now=10)


def test_only_the_database_that_is_back_is_back() -> None:
    outages = Outages()
    outages.lost("default", began=1, now=2)
    outages.lost("other", began=1, now=2)
    outages.returned("other", now=4)
    assert outages.away() == ["default"]
