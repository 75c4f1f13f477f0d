"""How a Kafka cluster is reached: said once, translated for each client library."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import KafkaError, KafkaException

from schemas.errors import BrokerError, BrokerUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]

# librdkafka would write fatal errors to stderr at any log level; they come back typed.
_CHATTER = logging.getLogger("librdkafka")
_CHATTER.addHandler(logging.NullHandler())
_CHATTER.propagate = False

# By librdkafka's names: its local codes are private attributes.
_REFUSED_LOGIN = frozenset({"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED"})
_UNREACHABLE = frozenset({"_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT", "_SSL"})


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka cluster and the right to enter it.

    bootstrap is "host:port[,host:port...]"; ca a PEM file, or None for the system's authorities.
    mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
    """

    bootstrap: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ca: Path | None = None
    username: str | None = None
    password: SecretStr | None = None
    mechanism: str = "SCRAM-SHA-512"

    def confluent(self) -> dict[str, Any]:
        """Settings for confluent-kafka; librdkafka's own chatter is off, for errors come back typed."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "client.id": "sparge",
            "security.protocol": self.security_protocol,
            "log_level": 0,
            "logger": _CHATTER,
        }
        if self._encrypted and self.ca is not None:
            settings["ssl.ca.location"] = str(self.ca)
        if self._authenticated:
            settings["sasl.mechanism"] = self.mechanism
            settings["sasl.username"] = self.username or ""
            settings["sasl.password"] = self._secret
        return settings

    def producing(self) -> dict[str, Any]:
        """Settings of every producer of ours: nothing lost or doubled, and the partitioner of Kafka's own.

        librdkafka's own partitioner differs from that of every other client here.
        """
        return {
            **self.confluent(),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
        }

    def faust_url(self) -> str:
        """The bootstrap servers as Faust writes them."""
        return ";".join(f"kafka://{server.strip()}" for server in self.bootstrap.split(","))

    def faust_credentials(self) -> Any:
        """Credentials for Faust (None for PLAINTEXT); needs the [server] extra."""
        if self.security_protocol == "PLAINTEXT":
            return None
        from faust.auth import SASLCredentials, SSLCredentials  # noqa: PLC0415 - a device has no Faust

        context = None
        if self._encrypted:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        if not self._authenticated:
            return SSLCredentials(context)
        return SASLCredentials(
            username=self.username, password=self._secret, ssl_context=context, mechanism=self.mechanism
        )

    @property
    def _encrypted(self) -> bool:
        return self.security_protocol.endswith("SSL")

    @property
    def _authenticated(self) -> bool:
        return self.security_protocol.startswith("SASL")

    @property
    def _secret(self) -> str:
        return self.password.get_secret_value() if self.password else ""


def broker_error(error: KafkaError | KafkaException, broker: Broker, doing: str) -> BrokerError:
    """The typed error for a client library's one; `doing` completes "could not ..."."""
    cause = error.args[0] if isinstance(error, KafkaException) else error
    detail = f"{cause.name()}: {cause.str()}"
    if cause.name() in _REFUSED_LOGIN:
        return BrokerUnreachable(
            f"Kafka at {broker.bootstrap} refused the login: could not {doing}.",
            detail=detail,
            next_step="check SPARGE_BROKER_SECURITY, SPARGE_BROKER_USER and SPARGE_BROKER_PASSWORD",
        )
    if cause.name() in _UNREACHABLE:
        return BrokerUnreachable(
            f"Kafka at {broker.bootstrap} does not answer: could not {doing}.",
            detail=detail,
            next_step="sparge doctor",
        )
    return BrokerError(
        f"Kafka at {broker.bootstrap} could not {doing}.", detail=detail, next_step="sparge doctor"
    )
