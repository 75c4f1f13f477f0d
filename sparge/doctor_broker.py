"""What the doctor finds at the broker: whether it answers, its topics, its dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import BrokerError
from sparge.doctor import Finding, Verdict, failed
from sparge.terminal import command_name
from streams.admin import check_topics, log_bounds, partitions_of, wait_ready
from streams.topics import DEADLETTER

if TYPE_CHECKING:
    from streams.connection import Broker

WAIT_S = 5.0


def broker(kafka: Broker) -> list[Finding]:
    """Return what is wrong with the broker and its topics, and what to do."""
    try:
        cluster_id = wait_ready(kafka, WAIT_S)
    except BrokerError as error:
        return [failed("broker", error)]
    findings = [Finding("broker", Verdict.OK, f"{kafka.bootstrap}, cluster {cluster_id}")]
    try:
        topics = _topics(kafka)
        findings.append(topics)
        if topics.verdict is Verdict.OK:
            findings.append(_dead_letters(kafka))
    except BrokerError as error:
        findings.append(failed("topics", error))
    return findings


def _topics(kafka: Broker) -> Finding:
    reports = check_topics(kafka)
    wrong = [f"{report.name} {report.action}" for report in reports if report.action != "unchanged"]
    if wrong:
        return Finding("topics", Verdict.FAIL, "; ".join(wrong), f"{command_name()} topics create")
    return Finding("topics", Verdict.OK, f"all {len(reports)} as declared")


def _dead_letters(kafka: Broker) -> Finding:
    bounds = log_bounds(kafka, partitions_of(kafka, [DEADLETTER.name]))
    count = sum(high - low for low, high in bounds.values())
    if count:
        found = f"{count} messages were refused and are kept in {DEADLETTER.name}"
        return Finding("dead letters", Verdict.WARN, found, f"{command_name()} deadletters list")
    return Finding("dead letters", Verdict.OK, "none")
