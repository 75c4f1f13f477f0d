"""What of a unit survives a restart: all that alarms depend on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.alarms.definition import MasterAlarmDatabase, load, shipped
from agents.unit_watch import UnitWatch
from schemas.alarm import AlarmTransition
from schemas.errors import ContractError, SnapshotRefused
from tests.unit.agents.frames import NORMAL, Player, frame, noisy, sources, told, us

if TYPE_CHECKING:
    from schemas.decoding import Frame

Moments = list[tuple[str, int]]
STATES = ["normal", "low", "frozen", "missing", "stopped", "wild", "silent", "late", "ahead"]


def lived(state: str, second: int) -> Frame | None:
    """What the unit sends in a second of this state; None for nothing."""
    values: dict[str, float | None] = dict(noisy(NORMAL, second))
    shift_s = {"late": -500, "ahead": 500}.get(state, 0)
    match state:
        case "silent":
            return None
        case "low":
            values |= {"agitation": 0.0, "DO": 5.0}
        case "frozen":
            values |= {"DO": 40.0}
        case "wild":
            values |= {"pH": 14.0 if second % 20 < 12 else 7.0, "X1": 1e12 * second}
        case "stopped":
            del values["DO"]
        case "missing":
            values = dict.fromkeys(values)
    return frame(values, second + shift_s)


def play(moments: Moments, cuts: frozenset[int] = frozenset()) -> list[AlarmTransition]:
    """Stretches of a unit's life, each with its length in seconds; at each cut the worker restarts."""
    watch = UnitWatch("north", "BR-01")
    done: list[object] = []
    second = 0
    for index, (state, length) in enumerate(moments):
        if index in cuts:
            watch = UnitWatch.restore("north", "BR-01", watch.snapshot())
        for _ in range(length):
            second += 1
            sent, at = lived(state, second), sources(second)
            done += watch.on_frame(sent, us(second), at) if sent else watch.on_tick(us(second), at)
    return [each for each in done if isinstance(each, AlarmTransition)]


LIFE: Moments = [
    ("normal", 40),
    ("low", 100),
    ("frozen", 350),
    ("normal", 30),
    ("stopped", 100),
    ("silent", 40),
    ("normal", 30),
    ("wild", 30),
    ("ahead", 30),
    ("late", 60),
    ("normal", 30),
]


@cache
def whole_life() -> list[AlarmTransition]:
    return play(LIFE)


def test_a_life_with_all_faults_raises_and_clears_them() -> None:
    conditions = {(each.signal, each.condition) for each in whole_life()}
    assert conditions >= {
        ("agitation", "low"),
        ("DO", "low"),
        ("DO", "frozen"),
        ("DO", "stale"),
        ("device", "silent"),
        ("device", "clock"),
        ("pH", "range"),
    }


@pytest.mark.parametrize("cut", range(1, len(LIFE)))
def test_a_restart_at_any_point_changes_no_transition(cut: int) -> None:
    assert play(LIFE, frozenset({cut})) == whole_life()


def test_a_clock_that_was_set_back_is_so_for_signals_last_sent_before_the_restart() -> None:
    moments = [("normal", 3), ("ahead", 18), ("normal", 1), ("stopped", 30), ("normal", 30)]
    assert play(moments, frozenset({3})) == play(moments)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_restarts_in_any_life_change_no_transition(data: st.DataObject) -> None:
    moments = data.draw(
        st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 40)), min_size=1, max_size=8)
    )
    cuts = data.draw(st.frozensets(st.integers(0, len(moments)), max_size=4))
    assert play(moments, cuts) == play(moments)


def test_an_alarm_that_was_raised_before_the_restart_clears_after_it() -> None:
    before = Player(UnitWatch("north", "BR-01"))
    before.run(10)
    raised = before.run(10, lambda _: {**NORMAL, "agitation": 0.0})
    after = Player(UnitWatch.restore("north", "BR-01", before.watch.snapshot()))
    after.second = before.second
    cleared = after.run(15)
    assert told(raised + cleared) == [("agitation", "low", "raised"), ("agitation", "low", "cleared")]
    assert cleared[0].since_us == raised[0].since_us


def with_volume_alarm() -> MasterAlarmDatabase:
    """The shipped alarms and one that they no longer have."""
    (own,) = load(
        """
- signal: volume
  condition: high
  unit: L
  limit: 2.1
  on_delay_s: 1
  off_delay_s: 1
  priority: low
  class: process
  message: "{value} {limit} {since}"
  cause: why
  consequence: what then
  action: do
  respond_within_s: 60
  rationalisation: {source: s, author: a, date: 2026-01-31}
"""
    ).definitions
    return MasterAlarmDatabase((*shipped().definitions, own))


def test_an_alarm_that_is_no_longer_defined_ends_with_the_restart() -> None:
    before = Player(UnitWatch("north", "BR-01", database=with_volume_alarm()))
    raised = before.run(20, lambda _: {**NORMAL, "volume": 2.5})
    assert told(raised) == [("volume", "high", "raised")]
    after = Player(UnitWatch.restore("north", "BR-01", before.watch.snapshot()))
    after.second = before.second
    assert told(after.run(20, lambda _: {**NORMAL, "volume": 2.5})) == []
    assert b'"volume","high"' not in after.watch.snapshot()


def test_a_signal_that_was_declared_since_then_is_watched_in_its_new_unit() -> None:
    kept = orjson.loads(snapshot_of_ten_seconds())
    kept["signals"]["torque"] = {**kept["signals"]["DO"], "unit_code": "mN.m"}
    watch = UnitWatch.restore("north", "BR-01", orjson.dumps(kept))
    after = Player(watch)
    after.second = 20
    outputs = after.run(20, lambda _: {**NORMAL, "torque": 1e6}, noise=False)
    assert ("torque", "range", "raised") in told(outputs)


@cache
def snapshot_of_ten_seconds() -> bytes:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(10)
    player.run(10, lambda _: {**NORMAL, "agitation": 0.0})
    kept: bytes = player.watch.snapshot()
    return kept


def test_it_is_versioned_json() -> None:
    assert orjson.loads(snapshot_of_ten_seconds())["schema"] == "sparge.unit-watch/1"


@given(st.integers(0, 5000))
def test_a_torn_snapshot_is_refused(length: int) -> None:
    whole = snapshot_of_ten_seconds()
    with pytest.raises(SnapshotRefused):
        UnitWatch.restore("north", "BR-01", whole[: min(length, len(whole) - 1)])


def changed(**fields: object) -> bytes:
    return orjson.dumps(orjson.loads(snapshot_of_ten_seconds()) | fields)


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        changed(schema="sparge.unit-watch/2"),
        changed(unit="BR-02"),
        changed(site="south"),
        changed(signals={"DO": {"unit_code": "%", "seen": [1, 2]}}),
        changed(signals={"DO": {"unit_code": "%", "seen": ["x"] * 13}}),
        changed(heard_us=2**63),
        changed(alarms=[{"signal": "DO"}]),
        changed(armed=[["DO", "lowest"]]),
        changed(colour="red"),
    ],
)
def test_a_snapshot_of_another_unit_version_or_shape_is_refused(foreign: bytes) -> None:
    with pytest.raises(SnapshotRefused) as refused:
        UnitWatch.restore("north", "BR-01", foreign)
    assert isinstance(refused.value, ContractError)
    assert "north/BR-01" in refused.value.message or "DO" in refused.value.message
