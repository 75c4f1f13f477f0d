"""What goes wrong in a transaction, and who can go on after it."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import BrokerError, PartFailed, ProducerFenced, SpargeError
from streams.connection import Broker
from streams.transactions import transaction_error


@pytest.mark.parametrize(
    ("code", "fatal", "kind", "words"),
    [
        (KafkaError.PRODUCER_FENCED, True, ProducerFenced, "watch-0 has a new owner"),
        (KafkaError.INVALID_TXN_STATE, True, PartFailed, "ended a transaction of watch-0"),
        (KafkaError.NOT_COORDINATOR, False, BrokerError, "could not commit a transaction"),
    ],
)
def test_only_what_can_be_tried_again_is_told_as_the_brokers_failure(
    code: int, *, fatal: bool, kind: type[SpargeError], words: str
) -> None:
    failure = KafkaException(KafkaError(code, "as the broker said", fatal=fatal))
    error = transaction_error(failure, Broker("broker:9092"), "watch-0", "commit a transaction")
    assert type(error) is kind
    assert words in error.message
    assert "as the broker said" in error.detail
