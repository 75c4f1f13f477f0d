from __future__ import annotations

from datetime import UTC, datetime
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.alarm import AlarmState
from schemas.errors import DatabaseUnreachable, QueryRefused
from schemas.forecast import TimeToLimit
from schemas.score import Contribution, UnitScore
from storage import queries
from storage.connection import connect, translated
from storage.migrate import migrate
from storage.store import Store
from tests.integration.storage.frames import FRAMES, T0_US, column, register, stored
from tests.integration.storage.test_results import foreseen, scored, source, transition
from tests.servers.database import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import BoundedConnection

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
END_US = T0_US + 10 * DAY_US
TP = (FRAMES, 0)


@pytest.fixture(scope="module")
def filled(database_server: str) -> Iterator[str]:
    """Two sites with a BR-01 each; that of north has DO over three days and a missing pH."""
    with new_database(database_server) as conninfo:
        migrate(conninfo)
        with Store(conninfo, application="test") as store:
            register(store)
            with store.transaction("ingest", [TP]) as writing:
                writing.write_frames(
                    [
                        stored([column("DO", [40.0, 41.0, 42.0], step_us=DAY_US)]),
                        stored(
                            [column("pH", [7.0, nan], unit="[pH]", status=[0, 0x808C0000])],
                            sequence=1,
                            offset=1,
                        ),
                        stored([column("temperature", [37.0], unit="Cel")], site="south", offset=2),
                        stored([column("OTR", [45.304], unit="mmol.L-1.h-1")], unit="BR-02", offset=3),
                    ]
                )
                writing.write_scores([scored(source(1), "DO")])
                writing.write_forecasts([foreseen(source(1, index=1))])
                writing.write_transitions(
                    [
                        transition(source(2), device_state="M", value_status=0x408F0000),
                        transition(source(2, index=1), condition="high", time_us=T0_US + 1),
                        transition(
                            source(3),
                            condition="high",
                            event="cleared",
                            state=AlarmState.NORMAL,
                            time_us=T0_US + 2,
                        ),
                    ]
                )
        yield conninfo


@pytest.fixture
def reader(filled: str) -> Iterator[BoundedConnection]:
    with queries.reading(filled) as connection:
        yield connection


def test_samples_come_as_columns_in_order_of_time(reader: BoundedConnection) -> None:
    table = queries.samples(reader, "north/BR-01", ["DO"], T0_US, END_US)
    assert list(table.columns) == ["site", "unit", "signal", "time", "value", "ucum", "status", "good"]
    assert table.columns["time"].tolist() == [  # type: ignore[union-attr]  # an array
        datetime.fromtimestamp((T0_US + i * DAY_US) / SECOND_US, UTC).replace(tzinfo=None) for i in range(3)
    ]
    assert list(table.columns["value"]) == [40.0, 41.0, 42.0]
    assert next(table.rows()) == (
        "north",
        "BR-01",
        "DO",
        datetime.fromtimestamp(T0_US // SECOND_US, UTC),
        40.0,
        "%",
        0,
        True,
    )
    assert not table.truncated


def test_a_span_includes_its_start_and_not_its_end(reader: BoundedConnection) -> None:
    table = queries.samples(reader, "north/BR-01", ["DO"], T0_US + DAY_US, T0_US + 2 * DAY_US)
    assert list(table.columns["value"]) == [41.0]


def test_a_missing_value_is_nan_with_its_status(reader: BoundedConnection) -> None:
    table = queries.samples(reader, "north/BR-01", ["pH"], T0_US + 1, END_US)
    (value,) = table.columns["value"]
    assert isnan(value)
    assert list(table.columns["status"]) == [0x808C0000]
    assert list(table.columns["good"]) == [False]
    assert table.columns["status"].dtype == np.uint32  # type: ignore[union-attr]  # an array


def test_all_signals_of_all_units_are_found_when_none_is_named(reader: BoundedConnection) -> None:
    table = queries.samples(reader, None, [], T0_US, END_US)
    assert len(table) == 7
    assert set(zip(table.columns["site"], table.columns["unit"], table.columns["signal"], strict=True)) == {
        ("north", "BR-01", "DO"),
        ("north", "BR-01", "pH"),
        ("north", "BR-02", "OTR"),
        ("south", "BR-01", "temperature"),
    }


def test_a_limit_keeps_the_first_and_says_that_there_is_more(reader: BoundedConnection) -> None:
    table = queries.samples(reader, "north/BR-01", ["DO"], T0_US, END_US, limit=2)
    assert (list(table.columns["value"]), table.truncated) == ([40.0, 41.0], True)
    assert not queries.samples(reader, "north/BR-01", ["DO"], T0_US, END_US, limit=3).truncated
    assert queries.alarm_history(reader, None, [], T0_US, END_US, limit=2).truncated


def test_an_empty_answer_has_all_its_columns(reader: BoundedConnection) -> None:
    table = queries.samples(reader, "BR-02", ["OTR"], T0_US + 1, END_US)
    assert len(table) == 0
    assert len(list(table.rows())) == 0
    assert len(table.columns) == 8


def test_the_value_at_a_moment_is_the_last_one_before_it(reader: BoundedConnection) -> None:
    table = queries.sample_at(reader, "north/BR-01", ["DO"], T0_US + DAY_US + 5)
    assert list(table.columns["value"]) == [41.0]
    assert list(queries.sample_at(reader, "north/BR-01", ["DO"], T0_US).columns["value"]) == [40.0]
    assert len(queries.sample_at(reader, "north/BR-01", ["DO"], T0_US - 1)) == 0


def test_the_moment_of_a_whole_unit_has_a_row_for_each_signal_in_the_order_asked(
    reader: BoundedConnection,
) -> None:
    at_us = T0_US + DAY_US
    assert list(queries.sample_at(reader, "north/BR-01", [], at_us).columns["signal"]) == ["DO", "pH"]
    asked = queries.sample_at(reader, "north/BR-01", ["pH", "DO"], at_us)
    assert list(asked.columns["signal"]) == ["pH", "DO"]
    assert next(queries.latest(reader, "north/BR-01").rows())[4] == 42.0


def test_a_unit_may_be_named_alone_where_only_one_has_that_name(reader: BoundedConnection) -> None:
    assert len(queries.samples(reader, "BR-02", [], T0_US, END_US)) == 1
    with pytest.raises(QueryRefused, match="There are 2 units BR-01: north/BR-01, south/BR-01"):
        queries.samples(reader, "BR-01", [], T0_US, END_US)


@pytest.mark.parametrize(
    ("unit", "signal", "message"),
    [
        ("north/BR-1", "DO", r"no unit north/BR-1\. Did you mean north/BR-01"),
        ("br02", "DO", r"no unit br02\. Did you mean north/BR-02"),
        ("zzz", "DO", r"no unit zzz\. Stored units: north/BR-01, north/BR-02, south/BR-01\."),
        ("north/BR-01", "do", r"no signal do of north/BR-01\. Did you mean DO\?"),
        ("BR-02", "otr", r"no signal otr of north/BR-02\. Did you mean OTR\?"),
        ("BR-02", "weight", r"no signal weight of north/BR-02\. Stored signals: OTR\."),
    ],
)
def test_what_is_not_there_is_refused_with_what_comes_near(
    reader: BoundedConnection, unit: str, signal: str, message: str
) -> None:
    with pytest.raises(QueryRefused, match=message):
        queries.samples(reader, unit, [signal], T0_US, END_US)


def test_an_empty_span_is_refused(reader: BoundedConnection) -> None:
    with pytest.raises(QueryRefused, match="its end is not after its start"):
        queries.samples(reader, "BR-02", ["OTR"], T0_US, T0_US)


def test_a_store_without_data_says_so(store_database: str) -> None:
    with (
        queries.reading(store_database) as connection,
        pytest.raises(QueryRefused, match="No units are stored yet"),
    ):
        queries.samples(connection, "BR-01", [], T0_US, END_US)


def test_units_and_signals_tell_what_there_is(reader: BoundedConnection) -> None:
    at = datetime.fromtimestamp(T0_US // SECOND_US, UTC)
    assert list(queries.units(reader).rows()) == [
        ("north", "BR-01", at, at, 0, 2),
        ("north", "BR-02", at, at, 0, 1),
        ("south", "BR-01", at, at, 0, 1),
    ]
    assert [row[:5] for row in queries.signals(reader, "north/BR-01").rows()] == [
        ("north", "BR-01", "DO", "%", True),
        ("north", "BR-01", "pH", "[pH]", True),
    ]
    assert len(queries.signals(reader)) == 4


def test_alarms_show_active_ones_first_and_history_shows_all(reader: BoundedConnection) -> None:
    table = queries.alarms(reader)
    assert list(table.columns["condition"]) == ["low", "high"]
    assert list(table.columns["active"]) == [True, False]
    assert table.columns["action"][0] == "raise agitation"
    assert list(table.columns["device_state"]) == ["M", None]
    assert list(table.columns["value_status"]) == [0x408F0000, None]
    assert list(queries.alarms(reader, "north/BR-01", active_only=True).columns["condition"]) == ["low"]
    assert len(queries.alarms(reader, "BR-02")) == 0
    history = queries.alarm_history(reader, "north/BR-01", [], T0_US, END_US)
    assert list(history.columns["event"]) == ["raised", "raised", "cleared"]
    assert list(history.columns["device_state"]) == ["M", None, None]
    assert list(history.columns["value_status"]) == [0x408F0000, None, None]
    assert len(queries.alarm_history(reader, "north/BR-01", ["DO"], T0_US, END_US)) == 3
    assert len(queries.alarm_history(reader, "north/BR-01", ["pH"], T0_US, END_US)) == 0


def test_scores_and_forecasts_are_asked_like_samples(reader: BoundedConnection) -> None:
    scores = queries.scores(reader, "north/BR-01", ["DO"], T0_US, END_US)
    assert list(scores.columns["score"]) == [310.5]
    forecasts = queries.forecasts(reader, "north/BR-01", [], T0_US, END_US)
    assert list(forecasts.columns["horizon_s"]) == [60.0, 600.0]
    assert len(queries.forecasts(reader, "north/BR-01", ["pH"], T0_US, END_US)) == 0


def test_a_query_of_values_alone_does_not_pay_for_their_lineage(reader: BoundedConnection) -> None:
    plan = reader.execute("EXPLAIN SELECT signal, time, value FROM sparge.samples WHERE signal_id = 1")
    assert "frame" not in "".join(line for (line,) in plan)
    plan = reader.execute(
        "EXPLAIN SELECT signal, time, value, device FROM sparge.samples WHERE signal_id = 1"
    )
    assert "frame" in "".join(line for (line,) in plan)


def test_progress_and_losses_can_be_read(reader: BoundedConnection) -> None:
    assert len(queries.progress(reader)) == 8
    assert list(queries.losses(reader).columns) == [
        "sink",
        "topic",
        "partition",
        "from_offset",
        "to_offset",
        "noticed_at",
        "reason",
    ]


def test_what_models_say_of_the_unit_is_asked_by_signal_and_layer(store: Store, store_database: str) -> None:
    told = [
        UnitScore(
            time_us=T0_US + second,
            score=8.5,
            suspect=True,
            learned=False,
            contributions=[Contribution(signal=signal, share=0.75)],
            reason="it drifts",
        )
        for second, signal in enumerate(("DO", "pH"))
    ]
    ahead = TimeToLimit(
        condition="low", limit=20.0, minutes=14.0, from_minutes=9.0, to_minutes=None, text="DO reaches 20 %"
    )
    (forecast,) = foreseen(source(3)).forecasts
    with store.transaction("ingest", [TP]) as writing:
        writing.write_frames([stored([column("DO", [40.0]), column("pH", [7.0], unit="[pH]")])])
        for offset, layer in enumerate(("drift", "multivariate")):
            scores = scored(source(offset)).model_copy(update={"layer": layer, "unit_scores": told})
            writing.write_scores([scores])
        soon = forecast.model_copy(update={"time_to_limit": [ahead]})
        writing.write_forecasts([foreseen(source(3)).model_copy(update={"forecasts": [soon]})])
    with queries.reading(store_database) as connection:
        asked = (connection, "north/BR-01")
        every = queries.unit_scores(*asked, [], T0_US, END_US)
        drifts = queries.unit_scores(*asked, ["DO"], T0_US, END_US, layer="drift")
        limits = queries.limits_ahead(*asked, ["DO"], 0, END_US)
        with pytest.raises(QueryRefused, match="There is no signal DP"):
            queries.unit_scores(*asked, ["DP"], T0_US, END_US)
    assert list(every.columns["layer"]) == ["drift", "multivariate"] * 2
    assert list(drifts.columns["signals"]) == ["DO 0.750"]
    assert list(drifts.columns["reason"]) == ["it drifts"]
    assert list(limits.columns["told"]) == ["DO reaches 20 %"]


def test_a_question_that_takes_too_long_is_not_told_as_a_database_that_is_away(filled: str) -> None:
    with (
        pytest.raises(QueryRefused, match=r"is there, and has not answered within 0.5 s") as refused,
        queries.reading(filled, answer_within_s=0.5) as connection,
    ):
        connection.execute("SELECT pg_sleep(20)")
    assert "shorter span" in refused.value.next_step


def test_a_statement_that_takes_too_long_is_told_as_that(filled: str) -> None:
    with (
        pytest.raises(DatabaseUnreachable, match="did not finish in the time that it is given"),
        translated(filled),
        connect(filled, application="test", answer_within_s=0.5) as connection,
    ):
        connection.execute("SELECT pg_sleep(20)")
