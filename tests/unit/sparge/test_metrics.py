"""The page /metrics of workers that exist on paper alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.tally import SinkTally, WatchTally, Written
from sparge.assembled import Assembled
from sparge.metrics import METRICS, Kind, Metric
from sparge.metrics_page import Page
from sparge.monitor import Seen
from storage.freshness import UnitFreshness
from streams.flow import Flow
from streams.record import TopicPartition

ROOT = Path(__file__).resolve().parents[3]
FRAMES_3 = TopicPartition("telemetry.frames", 3)
FRAMES_5 = TopicPartition("telemetry.frames", 5)


def shown(name: str, tally: SinkTally | WatchTally, flow: Flow, seen: Seen) -> dict[str, float]:
    """Every sample on the page of such a worker, read by the client's own parser."""
    app: Any = None
    registry = CollectorRegistry()
    registry.register(Page(Assembled(name, app, flow, tally, read_committed=False), seen))
    text = generate_latest(registry).decode()
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def names(samples: dict[str, float]) -> set[str]:
    return {sample.partition("[")[0] for sample in samples}


def of_a_sink() -> dict[str, float]:
    tally = SinkTally(positions={FRAMES_3: 40, FRAMES_5: 7}, connected=True)
    tally.count(9, Written({"samples": 270, "frames": 9}, {"samples": 30}), deadletters=2)
    flow = Flow(frozenset({FRAMES_3}), buffered_bytes=1234, paused=True)
    seen = Seen({FRAMES_3: 52, FRAMES_5: 90}, {("north", "BR-01"): UnitFreshness(0, 3)})
    return shown("ingest", tally, flow, seen)


def of_watch() -> dict[str, float]:
    tally = WatchTally(frames=5, skipped=1, faults=2, positions={FRAMES_3: 40})
    tally.outputs["scores"] += 3
    return shown("watch", tally, Flow(frozenset({FRAMES_3})), Seen({FRAMES_3: 40}))


def test_lag_is_shown_of_the_partitions_that_the_worker_reads_and_no_others() -> None:
    lag = {name: value for name, value in of_a_sink().items() if name.startswith("sparge_lag")}
    assert lag == {
        "sparge_lag_messages[('partition', '3'), ('topic', 'telemetry.frames'), ('worker', 'ingest')]": 12
    }


def test_what_a_transaction_did_is_counted_by_what_it_was() -> None:
    samples = of_a_sink()
    assert samples["sparge_rows_total[('kind', 'samples'), ('worker', 'ingest')]"] == 270
    assert samples["sparge_known_total[('kind', 'samples'), ('worker', 'ingest')]"] == 30
    assert samples["sparge_messages_total[('worker', 'ingest')]"] == 9
    assert samples["sparge_dead_letters_total[('worker', 'ingest')]"] == 2
    assert samples["sparge_partitions_paused[('worker', 'ingest')]"] == 1


def test_missing_frames_are_shown_by_unit() -> None:
    assert of_a_sink()["sparge_missing_frames[('site', 'north'), ('unit', 'BR-01')]"] == 3


def test_watch_shows_what_it_judged_and_which_models_are_out_of_service() -> None:
    samples = of_watch()
    assert samples["sparge_watch_frames_total[]"] == 5
    assert samples["sparge_watch_outputs_total[('kind', 'scores')]"] == 3
    assert samples["sparge_watch_model_faults[]"] == 2


def test_every_declared_metric_is_on_some_page_and_no_other_is() -> None:
    assert names(of_a_sink()) | names(of_watch()) == {metric.name for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_follows_the_rules_of_prometheus(metric: Metric) -> None:
    assert re.fullmatch(r"sparge(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.says.endswith(".")


def test_every_metric_is_described_and_nothing_else() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(m.name, str(m.kind), ", ".join(m.labels), m.says) for m in METRICS]
