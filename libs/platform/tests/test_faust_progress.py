"""An app that reads no more although there is something to read."""

from aiokafka.structs import TopicPartition
from trunkline_platform.faust_progress import Progress

ONE, TWO = TopicPartition("acd.events.v1", 0), TopicPartition("acd.events.v1", 1)


def test_when_nothing_makes_a_step_for_long_enough_all_that_is_to_be_read_stands_still():
    progress = Progress(60.0)
    assert progress.still({ONE: 7, TWO: 9}, {ONE: 9, TWO: 9}, 0.0) == []
    assert progress.still({ONE: 7, TWO: 9}, {ONE: 12, TWO: 9}, 59.0) == []
    assert progress.still({ONE: 7, TWO: 9}, {ONE: 12, TWO: 9}, 61.0) == [ONE]


def test_who_reads_one_partition_for_long_is_only_far_behind():
    progress = Progress(60.0)
    for now_s in range(0, 600, 50):
        assert progress.still({ONE: 7, TWO: now_s}, {ONE: 9, TWO: 9_000}, float(now_s)) == []


def test_who_has_read_everything_does_not_stand_still_and_has_time_again_once_there_is_more():
    progress = Progress(60.0)
    for now_s in (0.0, 100.0, 200.0):
        assert progress.still({ONE: 9}, {ONE: 9}, now_s) == []
    assert progress.still({ONE: 9}, {ONE: 10}, 210.0) == []
    assert progress.still({ONE: 9}, {ONE: 10}, 259.0) == []
    assert progress.still({ONE: 9}, {ONE: 10}, 261.0) == [ONE]


def test_after_partitions_went_to_another_process_and_came_back_time_begins_anew():
    progress = Progress(60.0)
    assert progress.still({ONE: 7}, {ONE: 9}, 0.0) == []
    assert progress.still({}, {}, 50.0) == []
    assert progress.still({ONE: 7}, {ONE: 9}, 70.0) == []
    assert progress.still({ONE: 7}, {ONE: 9}, 131.0) == [ONE]
