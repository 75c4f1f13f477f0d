"""Several messages or none, by one owner at a time: a Kafka transaction under a transactional id."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, Producer

from schemas.errors import PartFailed, ProducerFenced
from streams.connection import broker_error
from streams.topics import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.errors import SpargeError
    from streams.connection import Broker
    from streams.record import Outgoing

FENCE_WITHIN_S = 30.0
COMMIT_WITHIN_S = 30.0

# A worker that died in a transaction holds up readers of committed records until its successor fences it,
# or for this long.
_TRANSACTION_TIMEOUT_MS = 15_000

_FENCED = frozenset({"_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"})


class PartitionProducer:
    """Writes transactions. Whoever calls `fence` last owns the id; former owners can commit nothing more.

    Args:
        broker: the cluster.
        transactional_id: names what is owned, for example one input partition of watch.
    """

    def __init__(self, broker: Broker, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        self._producer = Producer(
            {
                **broker.producing(),
                "transactional.id": transactional_id,
                "transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS,
                "message.timeout.ms": _TRANSACTION_TIMEOUT_MS,
                "compression.type": "lz4",
                "linger.ms": 0,
                "message.max.bytes": 4 * MIB,
            }
        )

    def fence(self) -> None:
        """Take the id over; what its former owner left open is aborted before this returns.

        Raises:
            BrokerError: the broker did not do it; may be tried again.
        """
        try:
            self._producer.init_transactions(FENCE_WITHIN_S)
        except KafkaException as failure:
            raise self._typed(failure, "hand over the transactional id") from failure

    def commit(self, messages: Sequence[Outgoing]) -> None:
        """Write all messages in one transaction; readers of committed records see all of them or none.

        Raises:
            ProducerFenced: another producer has taken the id over; nothing was written.
            BrokerError: the transaction was aborted, nothing was written; may be tried again.
            PartFailed: whether it was written is unknown, or the producer is of no more use; start again from
                what the log says.
        """
        try:
            self._producer.begin_transaction()
            for message in messages:
                self._produce(message)
            self._producer.flush(COMMIT_WITHIN_S)
        except KafkaException as failure:
            self._abort(failure)
            raise self._typed(failure, "take the messages of a transaction") from failure
        try:
            self._insist(self._producer.commit_transaction)
        except KafkaException as failure:
            if failure.args[0].txn_requires_abort():
                self._abort(failure)
            raise self._typed(failure, "commit a transaction") from failure

    def _produce(self, message: Outgoing) -> None:
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    message.value,
                    message.key,
                    -1 if message.partition is None else message.partition,
                    headers=list(message.headers),
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _abort(self, cause: KafkaException) -> None:
        if cause.args[0].fatal():
            return
        try:
            self._insist(self._producer.abort_transaction)
        except KafkaException as failure:
            raise self._typed(failure, "abort a transaction") from failure

    def _insist(self, step: Callable[[float], None]) -> None:
        deadline = time.monotonic() + COMMIT_WITHIN_S
        while True:
            left_s = deadline - time.monotonic()
            try:
                step(max(left_s, 0.1))
            except KafkaException as failure:
                if not failure.args[0].retriable():
                    raise
                if left_s <= 0:
                    # The broker may have done it and its answer be lost; to say "aborted" would be a guess.
                    raise PartFailed(
                        f"Kafka at {self._broker.bootstrap} did not say how a transaction ended: {self._id}.",
                        detail=str(failure.args[0]),
                        kept="The log knows; a new start reads it there.",
                        next_step="sparge doctor",
                    ) from failure
            else:
                return

    def _typed(self, failure: KafkaException, doing: str) -> SpargeError:
        return transaction_error(failure, self._broker, self._id, doing)


def transaction_error(
    failure: KafkaException, broker: Broker, transactional_id: str, doing: str
) -> SpargeError:
    """The typed error for what went wrong in a transaction; `doing` completes "could not ..."."""
    error = failure.args[0]
    detail = f"{error.name()}: {error.str()}"
    if error.name() in _FENCED:
        return ProducerFenced(f"{transactional_id} has a new owner.", detail=detail)
    if error.fatal():
        # As when a process that was starved for longer than a transaction may last finds its own ended.
        return PartFailed(
            f"Kafka at {broker.bootstrap} ended a transaction of {transactional_id}: could not {doing}.",
            detail=detail,
            kept="The log knows what was written; a new start reads it there.",
            next_step="sparge doctor",
        )
    return broker_error(failure, broker, doing)
