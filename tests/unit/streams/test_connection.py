"""One description of a cluster serves every client library and gives no secret away."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from faust.auth import SASLCredentials, SSLCredentials
from pydantic import SecretStr

from schemas.errors import BrokerError, BrokerUnreachable
from streams.connection import Broker, broker_error

PLAIN = Broker("one:9092, two:9093")
SCRAM = Broker(
    "one:9092",
    security_protocol="SASL_PLAINTEXT",
    username="ingest",
    password=SecretStr("quiet"),
    mechanism="SCRAM-SHA-256",
)


def test_a_plain_broker_needs_no_credentials() -> None:
    assert PLAIN.confluent()["security.protocol"] == "PLAINTEXT"
    assert not any(name.startswith(("sasl", "ssl")) for name in PLAIN.confluent())
    assert PLAIN.faust_credentials() is None
    assert PLAIN.faust_url() == "kafka://one:9092;kafka://two:9093"


def test_a_login_reaches_both_libraries() -> None:
    settings = SCRAM.confluent()
    assert settings["sasl.mechanism"] == "SCRAM-SHA-256"
    assert (settings["sasl.username"], settings["sasl.password"]) == ("ingest", "quiet")
    credentials = SCRAM.faust_credentials()
    assert isinstance(credentials, SASLCredentials)
    assert (credentials.username, credentials.password) == ("ingest", "quiet")
    assert credentials.mechanism.value == "SCRAM-SHA-256"
    assert credentials.protocol.value == "SASL_PLAINTEXT"


def test_encryption_reaches_both_libraries() -> None:
    assert "ssl.ca.location" not in Broker("one:9092", security_protocol="SSL").confluent()
    own_authority = Broker("one:9092", security_protocol="SSL", ca=Path("plant.pem"))
    assert own_authority.confluent()["ssl.ca.location"] == "plant.pem"
    credentials = Broker("one:9092", security_protocol="SSL").faust_credentials()
    assert isinstance(credentials, SSLCredentials)
    assert credentials.context.verify_mode is ssl.CERT_REQUIRED


def test_a_password_is_not_in_the_text_of_a_broker() -> None:
    assert "quiet" not in repr(SCRAM)


@pytest.mark.parametrize("code", [KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._RESOLVE])
def test_a_broker_that_is_away_is_unreachable(code: int) -> None:
    error = broker_error(KafkaError(code), PLAIN, "list its topics")
    assert isinstance(error, BrokerUnreachable)
    assert str(error) == "Kafka at one:9092, two:9093 does not answer: could not list its topics."


def test_a_refused_login_names_the_settings() -> None:
    error = broker_error(KafkaError(KafkaError._AUTHENTICATION), SCRAM, "list its topics")
    assert isinstance(error, BrokerUnreachable)
    assert "SPARGE_BROKER_USER" in error.next_step


def test_what_the_broker_refuses_is_not_called_unreachable() -> None:
    error = broker_error(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), PLAIN, "list its topics")
    assert type(error) is BrokerError
    assert "TOPIC_AUTHORIZATION_FAILED" in error.detail
