"""Two models beside each other on what is stored, and what was said of their alarms, by context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import QueryRefused
from schemas.forecast import Forecast, ForecastMessage
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef, UnitScore
from storage import queries
from storage.model_queries import Agreement, batch_span, compare
from storage.records import ModelStanding, StoredModelEvent
from tests.integration.storage.frames import FRAMES, T0_US, column, stored
from tests.integration.storage.test_results import scored, source, transition

if TYPE_CHECKING:
    from schemas.score import ScoreMessage
    from storage.store import Store
    from tests.integration.storage.frames import Rows

TP = (FRAMES, 0)
MINUTE_US = 60_000_000
HOLT = ModelRef(name="holt", version="1", digest="aa" * 32)
TREES = ModelRef(name="trees", version="1", digest="bb" * 32)
HERE = ModelContext(unit="north/BR-01")
E_COLI = ModelContext(organism="E. coli")


def ramp(minute: float) -> float:
    """DO rises by one a minute."""
    return 40.0 + minute


def foreseen(
    minute: int, model: ModelRef, off: float, half_width: float, **more: Any
) -> tuple[ForecastMessage, Forecast]:
    """What a model says of two minutes ahead: `off` beside what comes, and of pH, which never moves."""
    comes = ramp(minute + 2)
    silent = more.pop("silent", False)
    of_do = Forecast(
        signal="DO",
        unit_code="%",
        horizon_s=[120.0],
        value=[comes + off],
        lower=[comes + off - half_width],
        upper=[comes + off + half_width],
        coverage=0.9,
        fallback=False,
        silent=[silent],
    )
    of_ph = of_do.model_copy(
        update={"signal": "pH", "unit_code": "[pH]", "value": [7.0], "lower": [6.9], "upper": [7.1]}
    )
    message = ForecastMessage(
        source=source(minute, index=0 if model == HOLT else 1),
        site="north",
        unit="BR-01",
        made_us=T0_US + minute * MINUTE_US,
        model=model,
        forecasts=[of_do, of_ph],
        layer="forecast",
        **more,
    )
    return message, of_do


@pytest.fixture
def filled(store: Store) -> Store:
    """Twelve minutes; the champion holt answers as persistence does, trees is half as far off."""
    with store.transaction("ingest", [TP]) as writing:
        do = column("DO", [ramp(minute) for minute in range(12)], step_us=MINUTE_US)
        ph = column("pH", [7.0] * 12, unit="[pH]", step_us=MINUTE_US)
        writing.write_frames([stored([do, ph])])
        for minute in range(5):
            champion, _ = foreseen(minute, HOLT, -2.0, 3.0, silent=True, role="champion")
            challenger, _ = foreseen(minute, TREES, -1.0, 0.5, role="challenger")
            writing.write_forecasts([champion, challenger])
    return store


def test_forecasts_of_champion_and_challenger_stand_beside_each_other(
    filled: Store, store_database: str, rows: Rows
) -> None:
    assert filled
    with queries.reading(store_database) as connection:
        found = compare(connection, "north/BR-01", (HOLT.digest, TREES.digest), T0_US, T0_US + 10**12)
        same = compare(connection, None, (TREES.digest, TREES.digest), T0_US, T0_US + 10**12)
        nobody = compare(connection, "north/BR-02", (HOLT.digest, TREES.digest), T0_US, T0_US + 10**12)
    (two,) = found.forecasts
    assert (two.horizon_s, two.judged, two.signals) == (120.0, 10, 2)
    # Persistence is two off at each; pH has not moved, so its errors have nothing to be compared with.
    assert [one.error for one in (two.first, two.second)] == pytest.approx([1.0, 0.5])
    # Width 6 holds; width 1 misses by half, which costs 2 / (1 - 0.9) times that.
    assert two.first.interval_score == pytest.approx(6.0 / 2.0)
    assert two.second.interval_score == pytest.approx((1.0 + 20.0 * 0.5) / 2.0)
    assert (two.first.coverage, two.second.coverage) == (1.0, 0.5)
    assert (two.first.silent, two.second.silent) == (1.0, 0.0)
    assert same.forecasts[0].first == same.forecasts[0].second == two.second
    assert nobody.forecasts == []
    roles = rows("SELECT model, role, count(*) FROM sparge.forecasts GROUP BY 1, 2 ORDER BY 1")
    assert roles == [("holt", "champion", 10), ("trees", "challenger", 10)]


def judged(offset: int, model: ModelRef, suspects: str) -> ScoreMessage:
    """Of DO and of the unit: `#` suspect, `.` not, a second each."""
    times = [T0_US + second * 1_000_000 for second in range(len(suspects))]
    suspect = [one == "#" for one in suspects]
    told = scored(source(offset), "DO").model_copy(update={"model": model})
    of_do = [
        told.scores[0].model_copy(update={"time_us": at, "suspect": it})
        for at, it in zip(times, suspect, strict=True)
    ]
    of_unit = [
        UnitScore(time_us=at, score=2.0, suspect=it, learned=True, contributions=[])
        for at, it in zip(times, suspect, strict=True)
    ]
    return told.model_copy(update={"scores": of_do, "unit_scores": of_unit})


def test_two_models_agree_on_what_both_judged_and_a_sample_judged_twice_is_one(
    store: Store, store_database: str
) -> None:
    with store.transaction("ingest", [TP]) as writing:
        writing.write_scores(
            [judged(1, HOLT, "##.."), judged(2, TREES, "#.#.##"), judged(3, TREES, "#.#.##")]
        )
    with queries.reading(store_database) as connection:
        found = compare(connection, "north/BR-01", (HOLT.digest, TREES.digest), T0_US, T0_US + 10**12)
        itself = compare(connection, None, (TREES.digest, TREES.digest), T0_US, T0_US + 10**12)
    assert found.samples == found.units == Agreement(4, 2, 2, 1)
    assert found.samples.alike == 2
    assert itself.samples == itself.units == Agreement(6, 4, 4, 4)


def test_a_batch_that_is_not_stored_is_refused_with_those_that_are(store: Store, store_database: str) -> None:
    assert store
    with queries.reading(store_database) as connection, pytest.raises(QueryRefused, match="None is"):
        batch_span(connection, "B9", None)


def test_an_alarm_shows_the_model_that_raised_it(store: Store, rows: Rows) -> None:
    with store.transaction("ingest", [TP]) as writing:
        writing.write_transitions([transition(source(1), model=HOLT), transition(source(2))])
    assert rows(
        "SELECT model, model_version, model_digest FROM sparge.alarm_history ORDER BY source_offset"
    ) == [
        (HOLT.name, HOLT.version, HOLT.digest),
        (None, None, None),
    ]
    assert rows("SELECT model FROM sparge.alarms") == [(None,)]


def said(number: int, event: str, **fields: Any) -> StoredModelEvent:
    told: dict[str, Any] = {
        "id": f"e{number}",
        "event": event,
        "time_us": T0_US + number,
        "by": "K. Jansen",
        "why": "Seen.",
        "layer": "residual",
        "model": HOLT,
        **fields,
    }
    return StoredModelEvent(ModelEvent(**told), "models.registry", 0, number, T0_US + number)


def test_verdicts_count_where_the_model_spoke_and_make_its_precision(store: Store, rows: Rows) -> None:
    registrations = [
        said(number, "registered", context=context, recipe="name: holt\n", river_version="0.26")
        for number, context in enumerate((HERE, E_COLI))
    ]
    verdicts = [
        said(10 + number, "verdict", context=context, alarm=f"a{number}", raised_us=5, verdict=verdict)
        for number, (context, verdict) in enumerate(
            [(HERE, "true"), (HERE, "true"), (HERE, "nuisance"), (E_COLI, "nuisance"), (E_COLI, "known_work")]
        )
    ]
    standings = [
        ModelStanding(
            layer="residual",
            context=context,
            where=where,
            model=HOLT,
            role="champion",
            since_us=T0_US,
            by="K. Jansen",
            why="Seen.",
            registered=one.event.id,
            metrics={},
        )
        for one, context, where in zip(registrations, (HERE, E_COLI), ("here", "E. coli"), strict=True)
    ]
    store.register_log("record", "cluster", {"models.registry": "models-id"}, {"models.registry": 1})
    with store.transaction("record", [("models.registry", 0)]) as writing:
        writing.write_model_events([*registrations, *verdicts])
        writing.settle_models(standings, {})
    assert rows(
        "SELECT context, true_alarms, nuisance_alarms, known_work_alarms, alarm_precision "
        "FROM sparge.models ORDER BY context DESC"
    ) == [("here", 2, 1, 0, pytest.approx(2 / 3)), ("E. coli", 0, 1, 1, 0.0)]
