"""Which models are out of service in which unit is known from what they said, until the next batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from schemas.score import UnitScore
from storage import queries
from storage.model_queries import OutOfService, out_of_service
from storage.statements import statement
from tests.integration.storage.frames import FRAMES, T0_US
from tests.integration.storage.test_batches import HOUR_US, recorded, said, write
from tests.integration.storage.test_models_beside import HOLT, TREES
from tests.integration.storage.test_results import scored, source
from tests.unit.agents.test_models_out_of_service import lineup, play, reasons
from tests.unit.agents.test_unit_models import models

if TYPE_CHECKING:
    from schemas.score import ModelRef
    from storage.store import Store


@pytest.fixture(scope="module")
def fault() -> str:
    """What the models of a unit say of one that fails, as watch sends it."""
    it = models(lambda _: lineup("challenger"))
    play(it, 0, 990)
    ((_, score),) = reasons(play(it, 990, 1200))
    return score.reason


def failed(store: Store, offset: int, hours: float, reason: str, model: ModelRef = HOLT) -> OutOfService:
    """Let a model have said in BR-01, at so many hours, why it is out; returns what is to be known of it."""
    time_us = T0_US + int(hours * HOUR_US)
    word = UnitScore(
        time_us=time_us, score=0.0, suspect=False, learned=False, contributions=[], reason=reason
    )
    told = scored(source(offset)).model_copy(
        update={"model": model, "layer": "residual", "unit_scores": [word]}
    )
    with store.transaction("ingest", [(FRAMES, 0)]) as writing:
        writing.write_scores([told])
    return OutOfService("north/BR-01", "residual", model.digest, time_us, reason)


def known(database: str) -> list[OutOfService]:
    with queries.reading(database) as connection:
        return out_of_service(connection)


def test_a_model_that_failed_is_out_of_service_until_the_next_batch_begins_or_its_own_ends(
    store: Store, store_database: str, fault: str
) -> None:
    recorded(store)
    assert known(store_database) == []
    before = failed(store, 1, 0.5, fault)
    assert known(store_database) == [before]
    write(store, [said("start", 1, 0, batch="B1")])
    assert known(store_database) == []
    in_batch = failed(store, 2, 2, fault)
    assert known(store_database) == [in_batch]
    write(store, [said("end", 3, 1, batch="B1")])
    assert known(store_database) == []
    between = failed(store, 3, 4, fault)
    assert known(store_database) == [between]
    write(store, [said("start", 5, 2, batch="B2")])
    assert known(store_database) == []


def test_of_a_model_that_failed_twice_in_a_batch_the_last_word_counts_and_each_model_has_its_own(
    store: Store, store_database: str, fault: str
) -> None:
    failed(store, 1, 1, fault)
    later = failed(store, 2, 2, fault)
    of_another = failed(store, 3, 1, fault, TREES)
    failed(store, 4, 3, "it drifts")
    assert sorted(known(store_database)) == sorted([later, of_another])


def test_the_few_words_of_what_failed_are_found_without_reading_all_scores(store_database: str) -> None:
    question = b"EXPLAIN " + statement("query_models_out_of_service")
    with psycopg.connect(store_database) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(question).fetchall()
    assert "unit_score_out_of_service" in "".join(line for (line,) in plan)
