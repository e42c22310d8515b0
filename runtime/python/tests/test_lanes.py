"""The order in which messages are handled."""

import random
from datetime import datetime, timezone

from chanmqttproxy.entry import Entry
from chanmqttproxy.handlers.lanes import Job, Lanes

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def job(topic: str, id: str = "", source: str = "p", size: int = 1) -> Job:
    return Job(Entry(topic, b"", 1, False, NOW, id=id), source, size)


def test_a_topic_has_one_message_under_way() -> None:
    lanes = Lanes()
    for topic, id in [("a", "1"), ("a", "2"), ("b", "3")]:
        lanes.put(job(topic, id))
    first, second = lanes.take(0), lanes.take(0)
    assert first and second and (first.entry.id, second.entry.id) == ("1", "3")
    assert lanes.take(0) is None
    lanes.done(second)
    lanes.done(first)
    last = lanes.take(0)
    assert last and last.entry.id == "2"
    lanes.done(last)
    assert (lanes.count, lanes.size, lanes.take(0)) == (0, 0, None)


def test_a_topic_that_waits_holds_up_no_other() -> None:
    lanes = Lanes()
    for topic, id in [("a", "1"), ("a", "2"), ("b", "3")]:
        lanes.put(job(topic, id))
    failed = lanes.take(0)
    assert failed
    lanes.retry(failed, 5)
    assert lanes.next_at() == 5
    other = lanes.take(1)
    assert other and other.entry.id == "3"
    lanes.done(other)
    lanes.put(job("a", "4"))
    assert lanes.take(4.9) is None
    assert lanes.take(5) is failed


def test_drop_leaves_what_is_under_way() -> None:
    lanes = Lanes()
    for topic, id, source in [("a", "1", "p"), ("a", "2", "p"), ("b", "3", "p"), ("c", "4", "q")]:
        lanes.put(job(topic, id, source))
    taken = lanes.take(0)
    assert taken and taken.entry.id == "1"
    lanes.drop("p")
    assert [job.entry.id for job in lanes.taken()] == ["1"]
    lanes.put(job("a", "2", "p"))
    other = lanes.take(0)
    assert other and other.entry.id == "4"
    assert lanes.take(0) is None
    lanes.done(taken)
    again = lanes.take(0)
    assert again and again.entry.id == "2"


def test_a_dropped_topic_that_waited_comes_back() -> None:
    lanes = Lanes()
    lanes.put(job("a", "1"))
    failed = lanes.take(0)
    assert failed
    lanes.retry(failed, 100)
    lanes.drop("p")
    assert (lanes.count, lanes.size) == (0, 0)
    lanes.put(job("a", "1"))
    assert lanes.take(1) is not None


def test_any_course_of_events_keeps_order() -> None:
    """Random puts, results and drops, against what must hold: order, one at a time, nothing lost."""
    for seed in range(300):
        chance = random.Random(seed)
        lanes, taken, now, number = Lanes(), list[Job](), 0.0, 0
        waiting: dict[tuple[str, str], list[str]] = {}
        for _ in range(200):
            what = chance.randrange(5)
            if what == 0:
                topic = chance.choice("abc")
                source, number = topic.upper(), number + 1
                lanes.put(job(topic, str(number), source))
                waiting.setdefault((source, topic), []).append(str(number))
            elif what in (1, 2):
                now += 1
                if found := lanes.take(now):
                    assert found.entry.topic not in [other.entry.topic for other in taken]
                    assert found.entry.id == waiting[found.source, found.entry.topic][0]
                    taken.append(found)
            elif taken and what == 3:
                one = taken.pop(chance.randrange(len(taken)))
                if chance.random() < 0.5:
                    lanes.retry(one, now + chance.randrange(3))
                else:
                    lanes.done(one)
                    waiting[one.source, one.entry.topic].pop(0)
            elif what == 4 and chance.random() < 0.1:
                source = chance.choice("ABC")
                lanes.drop(source)
                busy = {one.entry.id for one in taken}
                for key in waiting:
                    if key[0] == source:
                        waiting[key] = [id for id in waiting[key] if id in busy]
            assert lanes.count == sum(map(len, waiting.values()))
        while lanes.count:
            now += 1
            if found := lanes.take(now):
                taken.append(found)
            if taken:
                one = taken.pop()
                lanes.done(one)
                assert waiting[one.source, one.entry.topic].pop(0) == one.entry.id
