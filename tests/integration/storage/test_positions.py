from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from schemas.errors import DatabaseUnreachable, LogMismatch
from storage.store import DatabaseBusy, Store
from tests.integration.storage.frames import FRAMES, HISTORY, PARTITIONS, TOPICS, column, register, stored

if TYPE_CHECKING:
    from tests.integration.storage.frames import Rows

FIRST, SECOND = (FRAMES, 0), (FRAMES, 1)


def test_every_partition_of_a_registered_log_starts_at_zero_and_registering_again_changes_nothing(
    store: Store, rows: Rows
) -> None:
    tps = [(topic, partition) for topic, count in PARTITIONS.items() for partition in range(count)]
    assert store.positions("ingest", tps) == dict.fromkeys(tps, 0)
    with store.transaction("ingest", [FIRST]) as transaction:
        transaction.advance({FIRST: 7})
    register(store)
    assert store.positions("ingest", [FIRST, SECOND]) == {FIRST: 7, SECOND: 0}
    assert rows("SELECT last_value FROM sparge.log_log_id_seq") == [(2,)]


def test_positions_move_with_the_rows_of_their_transaction(store: Store, rows: Rows) -> None:
    with store.transaction("ingest", [FIRST, SECOND]) as transaction:
        assert transaction.positions == {FIRST: 0, SECOND: 0}
        transaction.write_frames([stored([column("DO", [1.0])])])
        transaction.advance({FIRST: 1})
    assert store.positions("ingest", [FIRST, SECOND]) == {FIRST: 1, SECOND: 0}
    assert rows("SELECT count(*) FROM sparge.samples") == [(1,)]


def test_a_transaction_whose_body_fails_leaves_neither_rows_nor_positions(store: Store, rows: Rows) -> None:
    def fail() -> None:
        with store.transaction("ingest", [FIRST]) as transaction:
            transaction.write_frames([stored([column("DO", [1.0])])])
            transaction.advance({FIRST: 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.positions("ingest", [FIRST]) == {FIRST: 0}
    assert rows("SELECT (SELECT count(*) FROM sparge.frame) + (SELECT count(*) FROM sparge.sample)") == [(0,)]


def test_a_batch_that_is_written_again_after_its_commit_adds_nothing(store: Store, rows: Rows) -> None:
    frames = [stored([column("DO", [1.0, 2.0])], sequence=i, offset=i) for i in range(3)]
    for expected in ({FIRST: 0}, {FIRST: 3}):
        with store.transaction("ingest", [FIRST]) as transaction:
            assert transaction.positions == expected
            transaction.write_frames(frames)
            transaction.advance({FIRST: 3})
    assert rows("SELECT count(*) FROM sparge.frame") == [(3,)]
    assert rows("SELECT count(*) FROM sparge.sample") == [(2,)]
    # Of three frames that say the same, the one in the middle: a different version may yet part them.
    assert rows("SELECT count(*), count(DISTINCT frame_id) FROM sparge.sample_superseded") == [(2, 1)]
    assert rows("SELECT count(*) FROM sparge.sample_versions") == [(2,)]


def test_a_partition_without_a_row_cannot_be_locked_away(store: Store) -> None:
    missing = (FRAMES, 99)
    with (
        pytest.raises(LogMismatch, match=r"no position of telemetry\.frames, partition 99"),
        store.transaction("ingest", [FIRST, missing]),
    ):
        pytest.fail("the body must not run")
    with pytest.raises(LogMismatch, match="no position"):
        store.positions("ingest", [missing])
    with pytest.raises(LogMismatch, match="no position"):
        store.record_loss("ingest", missing, 0, 5, "retention")


def test_a_store_that_has_not_registered_its_log_writes_nothing(store: Store, store_database: str) -> None:
    store.positions("ingest", [FIRST])
    with (
        Store(store_database, application="test") as other,
        pytest.raises(LogMismatch, match="has not registered"),
        other.transaction("ingest", [FIRST]),
    ):
        pytest.fail("the body must not run")


def test_two_workers_on_one_partition_take_turns_and_the_second_sees_where_the_first_ended(
    store: Store, store_database: str
) -> None:
    locked, seen = threading.Event(), []

    def successor() -> None:
        with Store(store_database, application="successor") as other:
            register(other)
            locked.wait(5)
            with other.transaction("ingest", [SECOND, FIRST]) as transaction:
                seen.append(dict(transaction.positions))

    thread = threading.Thread(target=successor)
    thread.start()
    with store.transaction("ingest", [FIRST, SECOND]) as transaction:
        locked.set()
        thread.join(0.5)
        assert seen == []
        transaction.advance({FIRST: 5})
    thread.join(10)
    assert seen == [{FIRST: 5, SECOND: 0}]


def test_workers_on_different_partitions_do_not_wait_for_each_other(
    store: Store, store_database: str
) -> None:
    with Store(store_database, application="other") as other:
        register(other)
        with store.transaction("ingest", [FIRST]), other.transaction("ingest", [SECOND]) as transaction:
            transaction.advance({SECOND: 3})
        assert other.positions("ingest", [SECOND]) == {SECOND: 3}


def test_sinks_have_positions_of_their_own(store: Store) -> None:
    register(store, "record")
    with store.transaction("record", [FIRST]) as transaction:
        transaction.advance({FIRST: 9})
    assert store.positions("ingest", [FIRST]) == {FIRST: 0}


def test_a_position_never_moves_back_and_only_partitions_of_the_transaction_move(store: Store) -> None:
    with store.transaction("ingest", [FIRST]) as transaction:
        transaction.advance({FIRST: 5})
        with pytest.raises(ValueError, match="cannot move to 4"):
            transaction.advance({FIRST: 4})
        with pytest.raises(ValueError, match="cannot move"):
            transaction.advance({SECOND: 4})
        with pytest.raises(ValueError, match="not of this transaction"):
            transaction.note_hole(SECOND, 1, 2)
    assert store.positions("ingest", [FIRST]) == {FIRST: 5}


def test_holes_are_counted_and_the_last_is_remembered(store: Store, rows: Rows) -> None:
    for start in (1, 10):
        with store.transaction("ingest", [FIRST]) as transaction:
            transaction.note_hole(FIRST, start, start + 1)
            transaction.note_hole(FIRST, start + 5, start + 8)
            transaction.advance({FIRST: start + 9})
    assert rows(
        "SELECT next_offset, passed_offsets, last_hole::text FROM sparge.progress "
        "WHERE topic = %s AND partition = 0",
        FRAMES,
    ) == [(19, 8, "[15,18)")]


def test_a_recreated_topic_is_refused_and_what_was_stored_is_kept(store: Store, store_database: str) -> None:
    with store.transaction("ingest", [FIRST]) as transaction:
        transaction.advance({FIRST: 5})
    with Store(store_database, application="test") as other:
        with pytest.raises(LogMismatch, match="was deleted and created again") as caught:
            other.register_log("ingest", "cluster", {**TOPICS, FRAMES: "recreated-id"}, PARTITIONS)
        assert caught.value.next_step == "sparge topics adopt"
        assert "frames-id" in caught.value.detail
        assert "recreated-id" in caught.value.detail
        with pytest.raises(LogMismatch, match="belongs to another cluster"):
            other.register_log("ingest", "another cluster", TOPICS, PARTITIONS)
    assert store.positions("ingest", [FIRST]) == {FIRST: 5}


def test_an_adopted_log_starts_at_zero_and_the_former_positions_stay_as_history(
    store: Store, store_database: str, rows: Rows
) -> None:
    register(store, "record")
    with store.transaction("ingest", [FIRST, (HISTORY, 0)]) as transaction:
        transaction.advance({FIRST: 5, (HISTORY, 0): 6})
    recreated = {FRAMES: "recreated-id"}
    with Store(store_database, application="operator") as operator:
        retired = operator.adopt_log("cluster", recreated)
        assert [line.split(":")[0] for line in retired] == ["ingest", "record"]
        operator.register_log("ingest", "cluster", {**TOPICS, **recreated}, PARTITIONS)
        assert operator.positions("ingest", [FIRST, (HISTORY, 0)]) == {FIRST: 0, (HISTORY, 0): 6}
    assert rows("SELECT what, detail -> 'topics' FROM sparge.audit") == [("adopt log", recreated)]
    assert rows(
        "SELECT next_offset FROM sparge.position WHERE sink = 'ingest' AND topic = %s AND partition = 0 "
        "AND retired_at IS NOT NULL",
        FRAMES,
    ) == [(5,)]


def test_a_worker_that_still_reads_the_former_log_can_no_longer_write(
    store: Store, store_database: str
) -> None:
    with Store(store_database, application="operator") as operator:
        operator.adopt_log("cluster", {FRAMES: "recreated-id"})
        with pytest.raises(LogMismatch, match="no position"), store.transaction("ingest", [FIRST]):
            pytest.fail("the body must not run")
        operator.register_log("ingest", "cluster", {FRAMES: "recreated-id"}, PARTITIONS)
    with pytest.raises(LogMismatch, match="another log"), store.transaction("ingest", [FIRST]):
        pytest.fail("the body must not run")
    with pytest.raises(LogMismatch, match="another log"):
        store.positions("ingest", [FIRST])


def test_a_former_log_that_comes_back_goes_on_where_it_was(store: Store) -> None:
    with store.transaction("ingest", [FIRST]) as transaction:
        transaction.advance({FIRST: 5})
    store.adopt_log("restored cluster", TOPICS)
    store.adopt_log("cluster", TOPICS)
    register(store)
    assert store.positions("ingest", [FIRST]) == {FIRST: 5}


def test_a_loss_is_recorded_and_passed_in_one_step(store: Store, rows: Rows) -> None:
    store.record_loss("ingest", FIRST, 0, 40, "deleted by retention")
    assert store.positions("ingest", [FIRST]) == {FIRST: 40}
    assert rows("SELECT sink, topic, partition, from_offset, to_offset, reason FROM sparge.losses") == [
        ("ingest", FRAMES, 0, 0, 40, "deleted by retention")
    ]


def test_a_loss_that_another_worker_has_passed_already_is_not_recorded_twice(
    store: Store, rows: Rows
) -> None:
    store.record_loss("ingest", FIRST, 0, 40, "deleted by retention")
    store.record_loss("ingest", FIRST, 0, 40, "deleted by retention")
    store.record_loss("ingest", FIRST, 0, 50, "deleted by retention")
    assert rows("SELECT from_offset, to_offset FROM sparge.losses ORDER BY 1") == [(0, 40), (40, 50)]
    assert store.positions("ingest", [FIRST]) == {FIRST: 50}


def test_a_worker_stopped_in_its_transaction_holds_its_successor_up_for_a_bounded_time(
    store_database: str,
) -> None:
    stopped = Store(store_database, application="stopped", answer_within_s=2.0)
    successor = Store(store_database, application="successor", answer_within_s=2.0)
    with stopped, successor:
        for worker in (stopped, successor):
            register(worker)
        holding = stopped.transaction("ingest", [FIRST])
        transaction = holding.__enter__()
        transaction.advance({FIRST: 1})
        waited = 0
        while True:
            try:
                with successor.transaction("ingest", [FIRST]) as after:
                    assert after.positions == {FIRST: 0}
                    after.advance({FIRST: 2})
                break
            except DatabaseBusy:
                waited += 1
                assert waited < 5
        with pytest.raises(DatabaseUnreachable, match="cannot be reached"):
            holding.__exit__(None, None, None)
        assert stopped.positions("ingest", [FIRST]) == {FIRST: 2}
