"""Limits follow the batch: its culture, its phase, its vessel; a change of phase has its grace."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.alarms.definition import shipped
from agents.context import NO_BATCH, Context
from schemas.signals import Culture, Phase, limits
from tests.unit.agents.frames import NORMAL, AlarmsAlone, Player, told, us

if TYPE_CHECKING:
    from schemas.alarm import AlarmTransition

YEAST = {"DO": 40.0, "pH": 5.0, "temperature": 30.0, "agitation": 600.0}
CHO = {"DO": 40.0, "pH": 7.0, "temperature": 36.8, "agitation": 100.0, "gas_flow": 0.05}
MOULD = {"DO": 40.0, "pH": 6.5, "temperature": 25.0, "agitation": 300.0}


@pytest.fixture
def player() -> Player:
    return Player(AlarmsAlone())


def running(player: Player, organism: str = "E. coli", phase: str = "feed", scale_l: float = 200.0) -> None:
    """Start a batch, and let its grace pass."""
    normal = {"E. coli": NORMAL, "S. cerevisiae": YEAST, "CHO": CHO, "P. chrysogenum": MOULD}[organism]
    player.tell("start", organism=organism, scale_L=scale_l, phase=phase)
    assert told(player.run(610, lambda _: normal)) == []


@pytest.mark.parametrize(
    ("organism", "beyond", "alarm"),
    [
        ("S. cerevisiae", {**YEAST, "pH": 5.7}, ("pH", "high")),
        ("S. cerevisiae", {**YEAST, "temperature": 33.0}, ("temperature", "high")),
        ("CHO", {**CHO, "pH": 6.7}, ("pH", "low")),
        ("CHO", {**CHO, "temperature": 38.0}, ("temperature", "high")),
        ("P. chrysogenum", {**MOULD, "temperature": 28.0}, ("temperature", "high")),
        ("P. chrysogenum", {**MOULD, "pH": 6.0}, ("pH", "low")),
        ("E. coli", {**NORMAL, "temperature": 33.0}, ("temperature", "low")),
    ],
)
def test_each_culture_has_its_limits(
    player: Player, organism: str, beyond: dict[str, float], alarm: tuple[str, str]
) -> None:
    running(player, organism)
    outputs = player.run(120, lambda _: beyond)
    # A step is a jump, too; that is not what is asked here.
    assert [each for each in told(outputs) if each[1] != "rate"] == [(*alarm, "raised")]
    assert outputs[-1].message


@pytest.mark.parametrize("organism", ["S. cerevisiae", "CHO", "P. chrysogenum"])
def test_a_healthy_culture_that_is_no_e_coli_raises_nothing(player: Player, organism: str) -> None:
    running(player, organism)


def test_a_healthy_harvest_at_20_degrees_raises_nothing(player: Player) -> None:
    running(player)
    player.tell("phase", phase="harvest")
    chilled = lambda second: {  # noqa: E731 - read once
        "DO": max(0.0, 40.0 - (second - 610) / 20),
        "pH": 7.0,
        "temperature": max(20.0, 37.0 - (second - 610) / 20),
        "agitation": 0.0,
        "gas_flow": 0.0,
    }
    assert told(player.run(1500, chilled)) == []
    player.tell("end")
    assert told(player.run(1500, chilled)) == []


def test_the_same_without_a_batch_is_told(player: Player) -> None:
    player.run(610)
    cold = player.run(900, lambda second: {**NORMAL, "temperature": max(20.0, 37.0 - (second - 610) / 20)})
    assert told(cold) == [("temperature", "low", "raised")]


def dip(player: Player, seconds: int) -> list[AlarmTransition]:
    return player.run(seconds, lambda _: {**NORMAL, "DO": 15.0})


def without_jumps(outputs: list[AlarmTransition]) -> list[tuple[str, str, str]]:
    return [each for each in told(outputs) if each[1] != "rate"]


def test_oxygen_that_is_low_for_a_minute_as_a_feed_starts_is_not_told(player: Player) -> None:
    running(player, phase="batch")
    player.tell("phase", phase="feed")
    player.run(20)
    assert without_jumps(dip(player, 60)) == []
    assert without_jumps(player.run(600)) == []
    assert without_jumps(dip(player, 120)) == [("DO", "low", "raised")]


def test_oxygen_that_stays_low_after_a_feed_started_is_told_in_minutes(player: Player) -> None:
    running(player, phase="batch")
    player.tell("phase", phase="feed")
    player.run(20)
    outputs = dip(player, 300)
    assert without_jumps(outputs) == [("DO", "low", "raised")]
    (low,) = [each for each in outputs if each.condition == "low"]
    assert 180 <= (low.time_us - us(630)) / 1e6 <= 185


def test_oxygen_that_runs_out_as_a_feed_starts_is_told_at_once(player: Player) -> None:
    running(player, phase="batch")
    player.tell("phase", phase="feed")
    player.run(20)
    outputs = player.run(30, lambda _: {**NORMAL, "DO": 2.0})
    assert ("DO", "low_low", "raised") in told(outputs)


def test_a_limit_that_becomes_stricter_waits_until_the_value_was_once_normal(player: Player) -> None:
    running(player, phase="induction")
    at_30 = {**NORMAL, "temperature": 30.0}
    player.run(600, lambda second: {**NORMAL, "temperature": max(30.0, 37.0 - (second - 610) / 60)})
    player.tell("phase", phase="feed")
    assert told(player.run(300, lambda _: at_30)) == []
    player.run(300, lambda second: {**NORMAL, "temperature": min(37.0, 30.0 + (second - 1510) / 30)})
    assert told(
        player.run(300, lambda second: {**NORMAL, "temperature": max(34.0, 37.0 - (second - 1810) / 60)})
    ) == [("temperature", "low", "raised")]


def test_a_limit_that_is_never_kept_is_told_when_the_grace_is_over(player: Player) -> None:
    running(player, phase="induction")
    player.run(600, lambda second: {**NORMAL, "temperature": max(30.0, 37.0 - (second - 610) / 60)})
    start = player.second
    player.tell("phase", phase="feed")
    outputs = player.run(700, lambda _: {**NORMAL, "temperature": 30.0})
    assert told(outputs) == [("temperature", "low", "raised")]
    assert 600 <= (outputs[0].time_us - us(start)) / 1e6 <= 670


def test_an_alarm_that_stands_ends_where_the_next_phase_has_no_such_limit(player: Player) -> None:
    running(player)
    cold = {**NORMAL, "temperature": 33.0}
    assert ("temperature", "low", "raised") in told(player.run(120, lambda _: cold))
    player.tell("phase", phase="harvest")
    assert [each for each in told(player.run(120, lambda _: cold)) if each[1] == "low"] == [
        ("temperature", "low", "cleared")
    ]


def test_the_pressure_of_a_small_vessel_is_judged_as_that_of_glass(player: Player) -> None:
    running(player, scale_l=2.0)
    player.run(30, lambda _: {**NORMAL, "pressure": 1.2})
    outputs = player.run(30, lambda _: {**NORMAL, "pressure": 1.5})
    assert ("pressure", "high", "raised") in told(outputs)
    steel = Player(AlarmsAlone())
    running(steel, scale_l=200.0)
    steel.run(30, lambda _: {**NORMAL, "pressure": 1.2})
    assert ("pressure", "high", "raised") not in told(steel.run(30, lambda _: {**NORMAL, "pressure": 1.5}))


def test_cleaning_and_sterilising_raise_nothing_of_the_process(player: Player) -> None:
    player.run(60)
    player.tell("start", phase="SIP")
    hot = {"DO": 0.0, "pH": 13.0, "temperature": 121.0, "agitation": 0.0, "pressure": 2.1}
    assert told(player.run(900, lambda _: hot, noise=False)) == []


def test_after_a_batch_an_alarm_waits_until_its_value_was_normal_again(player: Player) -> None:
    running(player)
    player.tell("end")
    emptied = {"DO": 95.0, "pH": 4.0, "temperature": 20.0, "agitation": 0.0}
    assert without_jumps(player.run(2400, lambda _: emptied)) == []
    player.run(60)
    assert ("agitation", "low", "raised") in told(player.run(10, lambda _: {**NORMAL, "agitation": 0.0}))


def test_an_emptied_vessel_in_which_a_batch_starts_is_watched_again(player: Player) -> None:
    running(player)
    player.tell("end")
    off = {**NORMAL, "agitation": 0.0}
    assert told(player.run(60, lambda _: off)) == []
    player.tell("start", batch="B2", organism="E. coli", phase="batch")
    assert told(player.run(1790, lambda _: off)) == []
    assert told(player.run(30, lambda _: off)) == [("agitation", "low", "raised")]


def test_an_organism_that_is_not_understood_is_judged_as_outside_batches(player: Player) -> None:
    player.run(60)
    player.tell("start", organism="strain X17", phase="feed")
    outputs = player.run(400, lambda second: {**NORMAL, "pH": max(6.0, 7.0 - (second - 60) / 100)})
    assert told(outputs) == [("pH", "low", "raised")]


def test_a_spooled_frame_is_judged_in_the_phase_in_which_it_was_measured(player: Player) -> None:
    running(player)
    player.tell("start", organism="E. coli", scale_L=200.0, phase="feed", batch="B2")
    assert player.watch.context.batch == "B1"
    player.run(1)
    assert player.watch.context.batch == "B2"


def test_a_definition_of_a_plants_own_limit_holds_in_every_batch() -> None:
    own = next(each for each in shipped().definitions if each.key == ("pH", "low")).model_copy(
        update={"limit": 6.9, "by_context": False}
    )
    assert own.within(Context(batch="B", culture="yeast", stage="feed")) is own


def test_a_vessel_that_is_named_is_known_better_than_by_its_volume() -> None:
    pressure = next(each for each in shipped().definitions if each.key == ("pressure", "high"))
    named = pressure.model_copy(update={"vessel": "steel"})
    for definition, at in ((pressure, 1.4), (named, 2.3)):
        found = definition.within(Context(batch="B", vessel="glass"))
        assert found is not None
        assert found.limit == at


@pytest.mark.parametrize("culture", get_args(Culture))
@pytest.mark.parametrize("phase", get_args(Phase))
def test_every_limit_is_the_dictionarys_for_phase_and_culture(culture: Culture, phase: Phase) -> None:
    context = replace(NO_BATCH, batch="B1", culture=culture, stage=phase)
    for definition in shipped().definitions:
        if not definition.by_context or phase in definition.suppressed_in:
            continue
        declared = limits(definition.signal, phase, culture)
        at = None if declared is None else getattr(declared, definition.condition)
        found = definition.within(context)
        assert (None if found is None else found.limit) == at


def _always(values: dict[str, float], _: int) -> dict[str, float]:
    return values


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["batch", "feed", "harvest", "SIP", "end", "start"]),
        st.sampled_from([NORMAL, {**NORMAL, "temperature": 33.0, "DO": 15.0}, {**YEAST, "agitation": 0.0}]),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES, st.data())
def test_a_restart_in_any_phase_changes_no_transition(
    life: list[tuple[str, dict[str, float], int]], data: st.DataObject
) -> None:
    cuts = data.draw(st.frozensets(st.integers(0, len(life))))

    def play(cuts: frozenset[int]) -> list[AlarmTransition]:
        player = Player(AlarmsAlone())
        outputs: list[AlarmTransition] = []
        for place, (event, values, seconds) in enumerate(life):
            if place in cuts:
                assert isinstance(player.watch, AlarmsAlone)
                player.watch = player.watch.restarted()
            match event:
                case "start":
                    player.tell("start", organism="S. cerevisiae", scale_L=2.0, batch=f"B{place}")
                case "end":
                    player.tell("end")
                case _:
                    player.tell("phase", phase=event)
            outputs += player.run(seconds, partial(_always, values))
        return outputs

    assert play(cuts) == play(frozenset())
