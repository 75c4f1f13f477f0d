from __future__ import annotations

from datetime import UTC, datetime
from math import nan
from typing import TYPE_CHECKING

import pytest

from schemas.errors import LogMismatch, Reason
from storage.records import StoredFrame, WriteReport
from tests.integration.storage.frames import FRAMES, HISTORY, T0_US, column, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.store import Store
    from tests.integration.storage.frames import Rows

TP = (FRAMES, 0)
VALUES = "SELECT signal, value, status FROM sparge.samples ORDER BY signal, time"


def write(store: Store, frames: Sequence[StoredFrame]) -> WriteReport:
    with store.transaction("ingest", [TP, (HISTORY, 0)]) as transaction:
        return transaction.write_frames(frames)


def test_samples_of_new_frames_are_stored_with_their_lineage(store: Store, rows: Rows) -> None:
    frame = stored(
        [column("DO", [40.0, 39.5], start_us=T0_US + 1), column("ox_extra", [7.0], unit="g.L-1")],
        sequence=17,
        offset=123,
        partition=3,
        recorded_us=T0_US + 5_000,
        edge_us=T0_US + 4_000,
        sent_units={"DO": "1", "ox_extra": "g.L-1"},
    )
    assert write(store, [frame]) == WriteReport(frames=1, samples=3)
    at = datetime.fromtimestamp(T0_US // 10**6, UTC)
    lineage = (
        at.replace(microsecond=5000),
        at.replace(microsecond=4000),
        "controller",
        1,
        17,
        FRAMES,
        3,
        123,
    )
    assert rows(
        "SELECT site, unit, signal, time, value, ucum, status, good, recorded_at, edge_at, device, epoch, "
        "sequence, topic, log_partition, log_offset FROM sparge.samples ORDER BY signal, time"
    ) == [
        ("north", "BR-01", "DO", at.replace(microsecond=1), 40.0, "%", 0, True, *lineage),
        (
            "north",
            "BR-01",
            "DO",
            at.replace(second=at.second + 1, microsecond=1),
            39.5,
            "%",
            0,
            True,
            *lineage,
        ),
        ("north", "BR-01", "ox_extra", at, 7.0, "g.L-1", 0, True, *lineage),
    ]
    assert rows("SELECT sent_units, sample_count FROM sparge.frame") == [
        ({"DO": "1", "ox_extra": "g.L-1"}, 3)
    ]
    assert rows("SELECT site, unit, first_seen, last_recorded, signals FROM sparge.units") == [
        ("north", "BR-01", lineage[0], lineage[0], 2)
    ]
    assert rows("SELECT signal, declared, first_time = last_time FROM sparge.signals ORDER BY signal") == [
        ("DO", True, False),
        ("ox_extra", False, True),
    ]


def test_a_missing_value_reads_as_null_and_a_status_as_the_code_that_was_sent(
    store: Store, rows: Rows
) -> None:
    codes = [0x80000000, 0, 0x40900000, 0x00300000, 0xFFFFFFFF]
    write(store, [stored([column("DO", [nan, 1.0, 2.0, 3.0, 4.0], status=codes)])])
    assert rows("SELECT value, status, good FROM sparge.samples ORDER BY time") == [
        (None, 0x80000000, False),
        (1.0, 0, True),
        (2.0, 0x40900000, False),
        (3.0, 0x00300000, True),
        (4.0, 0xFFFFFFFF, False),
    ]


def test_a_frame_that_comes_again_is_a_repeat_within_a_batch_and_after_it(store: Store, rows: Rows) -> None:
    frame = stored([column("DO", [40.0, 41.0])])
    again = stored([column("DO", [40.0, 41.0])], offset=1, recorded_us=T0_US + 1)
    assert write(store, [again, frame]) == WriteReport(frames=1, repeats=1, samples=2)
    assert write(store, [frame, again]) == WriteReport(repeats=2)
    assert rows("SELECT repeated_frames FROM sparge.units") == [(3,)]
    assert rows("SELECT value, log_offset FROM sparge.samples ORDER BY time") == [(40.0, 0), (41.0, 0)]


def test_the_same_frame_object_given_twice_is_counted_as_one_and_a_repeat(store: Store) -> None:
    frame = stored([column("DO", [40.0])])
    assert write(store, [frame, frame]) == WriteReport(frames=1, repeats=1, samples=1)


def test_devices_that_say_the_same_add_no_rows_and_a_different_value_replaces_the_old(
    store: Store, rows: Rows
) -> None:
    first = stored([column("DO", [1.0, 2.0, 3.0])])
    second = stored([column("DO", [1.0, 2.5, 3.0, 4.0])], sequence=1, offset=1, recorded_us=T0_US + 1)
    assert write(store, [first]) == WriteReport(frames=1, samples=3)
    assert write(store, [second]) == WriteReport(frames=1, samples=1, corrections=1, equal=2)
    assert [row[1] for row in rows(VALUES)] == [1.0, 2.5, 3.0, 4.0]
    assert rows("SELECT value, sequence, replaced_at IS NULL FROM sparge.sample_versions ORDER BY 1, 2") == [
        (1.0, 0, True),
        (2.0, 0, False),
        (2.5, 1, True),
        (3.0, 0, True),
        (4.0, 1, True),
    ]


def test_a_missing_value_may_be_repeated_and_corrected_like_any_other(store: Store, rows: Rows) -> None:
    bad = [0x80000000]
    first = stored([column("DO", [nan], status=bad)])
    same = stored([column("DO", [nan], status=bad)], sequence=1, offset=1, recorded_us=T0_US + 1)
    known = stored([column("DO", [5.0])], sequence=2, offset=2, recorded_us=T0_US + 2)
    assert write(store, [first]).samples == 1
    assert write(store, [same]) == WriteReport(frames=1, equal=1)
    assert write(store, [known]).corrections > 0
    assert rows(VALUES) == [("DO", 5.0, 0)]


def test_a_change_of_status_alone_is_a_correction(store: Store, rows: Rows) -> None:
    write(store, [stored([column("DO", [5.0])])])
    doubted = stored([column("DO", [5.0], status=[0x40900000])], sequence=1, offset=1, recorded_us=T0_US + 1)
    assert write(store, [doubted]) == WriteReport(frames=1, corrections=1)
    assert rows(VALUES) == [("DO", 5.0, 0x40900000)]


def test_a_frame_of_a_signal_whose_unit_does_not_convert_is_refused_whole_and_its_neighbours_are_stored(
    store: Store, rows: Rows
) -> None:
    first = stored([column("glucose_x", [1.0], unit="g.L-1")])
    other = stored([column("glucose_x", [20.0], unit="Cel"), column("DO", [1.0])], sequence=1, offset=1)
    third = stored([column("glucose_x", [3.0], unit="g.L-1", start_us=T0_US + 9)], sequence=2, offset=2)
    report = write(store, [first, other, third])
    assert (report.frames, report.samples) == (2, 2)
    ((refused, reason),) = report.refused
    assert refused is other
    assert (reason.reason, reason.where) == (Reason.UNIT_CONFLICT, "signals.glucose_x.unit")
    assert "g.L-1" in reason.message
    assert rows(VALUES) == [("glucose_x", 1.0, 0), ("glucose_x", 3.0, 0)]
    assert write(store, [other]).refused[0][0] is other


def test_another_unit_of_the_same_quantity_is_stored_in_the_first(store: Store, rows: Rows) -> None:
    write(store, [stored([column("glucose_x", [1.0], unit="kg")])])
    write(
        store, [stored([column("glucose_x", [2500.0], unit="g", start_us=T0_US + 9)], sequence=1, offset=1)]
    )
    assert rows("SELECT value, ucum FROM sparge.samples ORDER BY time") == [(1.0, "kg"), (2.5, "kg")]


def test_what_a_device_gave_up_is_remembered_even_when_the_frame_has_no_samples(
    store: Store, rows: Rows
) -> None:
    assert write(store, [stored([], sequence=9, dropped=[(3, 5), (8, 8)])]) == WriteReport(frames=1)
    assert rows("SELECT device, epoch, from_sequence, to_sequence FROM sparge.device_drop ORDER BY 3") == [
        ("controller", 1, 3, 5),
        ("controller", 1, 8, 8),
    ]


def test_units_of_the_same_name_at_two_sites_are_two(store: Store, rows: Rows) -> None:
    write(store, [stored([column("DO", [1.0])]), stored([column("DO", [2.0])], site="south", offset=1)])
    assert rows("SELECT site, value FROM sparge.samples ORDER BY 1") == [("north", 1.0), ("south", 2.0)]


def test_no_frames_are_no_work(store: Store) -> None:
    assert write(store, []) == WriteReport()


def test_a_frame_of_a_topic_that_is_not_of_the_transaction_is_refused(store: Store) -> None:
    with pytest.raises(LogMismatch), store.transaction("ingest", [TP]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0])], topic="elsewhere")])
