"""Everything that `up` and `demo` start, in an order in which nothing waits for what it does not need."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from concurrent.futures import wait as wait_for
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from schemas.errors import LogMismatch, PartFailed, SettingsError
from sparge.background import in_background
from sparge.home import Home, Running, RunningPart
from sparge.supervisor import Part, Supervisor, tied
from sparge.times import US_PER_S
from storage.connection import address
from storage.embedded_postgres import EmbeddedPostgres
from storage.migrate import migrate
from storage.store import Store
from streams.admin import describe_log, ensure_topics, wait_ready
from streams.embedded_kafka import EmbeddedKafka
from streams.topics import ALARM_TRANSITIONS, FRAMES, HISTORY, WATCH_RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sparge.settings import Settings
    from streams.admin import LogIdentity
    from streams.kafka_jars import DownloadProgress

    OnMismatch = Callable[[Settings, LogIdentity, LogMismatch], str]
    """Gives the database to use where the one that the settings name goes on with another log."""

NAMED_BROKER_WAIT_S = 15.0
EMBEDDED_WAIT_S = 60.0
HELPERS_END_S = 1.0
DOWNLOAD_ENDS_S = 0.3
TRIES = 3
"""An embedded server that died this often while it is waited for is given up."""

PARTS = ("ingest", "watch", "record")
MAINTENANCE = "maintain"
MAINTAIN_EVERY = "30s"
"""What is not digested yet is computed by the query that asks for it: half a minute of it costs nothing."""

SINKS = {"ingest": (FRAMES, HISTORY), "record": (WATCH_RESULTS, ALARM_TRANSITIONS)}
WORKERS, BROKER, DATABASE = 0, 1, 2
"""Stages of stopping: the workers first, then what they work with."""


class Screen(Protocol):
    """Where a system that starts tells how far it is; called from several threads."""

    def tell(self, line: str) -> None:
        """Show a line about something that happened."""

    def download(self, progress: DownloadProgress) -> None:
        """Show how far a download is."""


class System:
    """Broker, database and workers of one data directory, as far as they have come.

    Args:
        settings: name the data directory, and the broker and database where they are not to be embedded.
        screen: is told what happens.
        command: the command that runs it, for whoever looks.
        on_mismatch: asked where the named database goes on with another log; None refuses that.
    """

    def __init__(
        self, settings: Settings, screen: Screen, command: str, on_mismatch: OnMismatch | None = None
    ) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.supervisor = Supervisor(screen.tell, self.write_down)
        self.about: dict[str, str] = {}
        self._download_began_s = self._download_ended_s = 0.0
        self.since_us = int(time.time() * US_PER_S)
        self._starting: list[Future[dict[str, str]]] = []
        self._screen = screen
        self._command = command
        self._on_mismatch = on_mismatch
        self._embedded = [name for name in ("broker", "database") if getattr(settings, name) is None]

    @property
    def download_s(self) -> float:
        """Seconds that downloads have taken so far."""
        if not self._download_began_s:
            return 0.0
        return (self._download_ended_s or time.monotonic()) - self._download_began_s

    def bring_up(self) -> bool:
        """Start everything; returns False if somebody wished to stop meanwhile.

        Raises:
            SpargeError: a part cannot be started. What was started is still to be stopped.
        """
        broker, database = in_background(self._broker), in_background(self._database)
        self._starting = [broker, database]
        self.supervisor.run(until=lambda: _over(broker, database))
        if self.supervisor.stopping:
            return False
        self.settings = self.settings.named({**broker.result(), **database.result()})
        joined = in_background(self._join)
        self.supervisor.run(until=joined.done)
        if self.supervisor.stopping:
            return False
        joined.result()
        for name in PARTS:
            self.supervisor.add(self._worker(name))
        self.supervisor.add(self._maintenance())
        self.supervisor.step()
        return True

    def stop(self) -> None:
        """Stop everything, whatever state it is in; takes less than 10 s and leaves no process."""
        self.supervisor.stop()
        # A download ends at its next bytes, and clears up what is half there.
        wait_for(self._starting, DOWNLOAD_ENDS_S)
        if self._embedded:
            # A cluster may just be being made; it appears whole or not at all, so its maker may be killed.
            _end_helpers(HELPERS_END_S)

    def write_down(self) -> None:
        """Tell other commands, through the data directory, what runs and how to reach it."""
        if self.settings.broker is None or self.settings.database is None:
            return
        wanted = ("SPARGE_BROKER", "SPARGE_DATABASE")
        self.home.tell(
            Running(
                pid=os.getpid(),
                since_us=self.since_us,
                command=self._command,
                environment={
                    name: value
                    for name, value in self.settings.environment().items()
                    if name.startswith(wanted)
                },
                about=self.about,
                parts=tuple(
                    RunningPart(
                        name=kept.part.name,
                        pid=kept.process.pid if kept.process is not None else None,
                        restarts=kept.restarts,
                        log=str(kept.part.tells),
                        metrics=kept.part.metrics,
                    )
                    for kept in self.supervisor.kept()
                ),
            )
        )

    def _broker(self) -> dict[str, str]:
        named: dict[str, str] = {}
        if self.settings.broker is None:
            named["SPARGE_BROKER"] = bootstrap = self._embedded_kafka()
            self.about["broker"] = (
                f"Apache Kafka {EmbeddedKafka.version}, embedded ({bootstrap}): "
                "this machine only, one broker, no replication"
            )
        else:
            self.about["broker"] = f"Kafka at {self.settings.broker} (SPARGE_BROKER)"
        broker = self.settings.named(named).kafka()
        wait_ready(broker, NAMED_BROKER_WAIT_S)
        self._screen.tell(f"Broker: {self.about['broker']}")
        created = [report.name for report in ensure_topics(broker) if report.action == "created"]
        self._screen.tell(f"Topics: {f'created {len(created)}' if created else 'all there'}")
        return named

    def _embedded_kafka(self) -> str:
        server = EmbeddedKafka(self.home.kafka, self.settings.cache)
        self._download_began_s = time.monotonic()
        try:
            server.download(self._on_download)
        except OSError as error:
            raise SettingsError(
                f"What is downloaded cannot be kept in {self.settings.cache}.",
                detail=str(error),
                next_step="name a directory that you may write to: SPARGE_CACHE=/some/directory",
            ) from error
        self._download_ended_s = time.monotonic()
        self._refuse_if_stopping()
        server.prepare()
        if server.moved_from is not None:
            self._screen.tell(
                f"Port {server.moved_from} is taken by another process: the broker moves to "
                f"{server.bootstrap}. Devices that know the old address must be told the new one."
            )

        def command() -> list[str]:
            server.prepare()
            return server.command()

        self.supervisor.add(
            Part("kafka", command, self.home.logs / "kafka.out", BROKER, own_log=server.log_path)
        )
        server.ready(EMBEDDED_WAIT_S, alive=lambda: self._hopeful("kafka"))
        return server.bootstrap

    def _database(self) -> dict[str, str]:
        named: dict[str, str] = {}
        if self.settings.database is None:
            named["SPARGE_DATABASE"] = self._embedded_postgres()
        conninfo = self.settings.named(named).conninfo()
        report = migrate(conninfo)
        for note in report.notes:
            self._screen.tell(note)
        if named:
            self.about["database"] = (
                f"{report.database}, embedded ({address(conninfo)}): this machine only, no replication, "
                "no hypertables"
            )
        else:
            self.about["database"] = f"{report.database} at {address(conninfo)} (SPARGE_DATABASE)"
        self._screen.tell(f"Database: {self.about['database']}")
        self._screen.tell(f"Tables: version {report.after}{', made now' if not report.before else ''}")
        return named

    def _embedded_postgres(self) -> str:
        server = EmbeddedPostgres(self.home.postgres)
        self._refuse_if_stopping()
        server.prepare()

        def command() -> list[str]:
            server.prepare()
            return server.command()

        self.supervisor.add(
            Part(
                "database",
                command,
                self.home.logs / "postgres.out",
                DATABASE,
                stop_signal=signal.SIGINT,
                own_log=server.log_path,
            )
        )
        server.ready(EMBEDDED_WAIT_S, alive=lambda: self._hopeful("database"))
        return server.conninfo

    def _join(self) -> None:
        """Make sure that the database goes on with this very log before any worker finds that it does not."""
        topics = [topic for topics in SINKS.values() for topic in topics]
        identity = describe_log(self.settings.kafka(), [topic.name for topic in topics])
        conninfo = self.settings.conninfo()
        try:
            _register(conninfo, identity)
        except LogMismatch as mismatch:
            if self._on_mismatch is None:
                raise
            conninfo = self._on_mismatch(self.settings, identity, mismatch)
            report = migrate(conninfo)
            _register(conninfo, identity)
            self.about["database"] = f"{report.database} at {address(conninfo)}"
            self.settings = self.settings.named({"SPARGE_DATABASE": conninfo})

    def _worker(self, name: str) -> Part:
        # -P: a folder of the same name where the command was typed must not be taken for ours.
        command = [sys.executable, "-P", "-m", "sparge", "worker", name]
        log = self.home.logs / f"{name}.log"
        # Chosen here and not by the worker: a part that is started again is found where it was.
        host = self.settings.metrics_host
        port = (
            self.settings.metrics_port + PARTS.index(name) if self.settings.metrics_port else free_port(host)
        )
        own = self.settings.named({"SPARGE_METRICS_PORT": str(port)})
        return Part(
            name,
            lambda: tied(command),
            log,
            WORKERS,
            environment=own.environment(),
            metrics=f"http://{host}:{port}/metrics",
        )

    def _maintenance(self) -> Part:
        command = [sys.executable, "-P", "-m", "sparge", MAINTENANCE, "--every", MAINTAIN_EVERY]
        log = self.home.logs / f"{MAINTENANCE}.log"
        environment = self.settings.environment()
        return Part(MAINTENANCE, lambda: tied(command), log, WORKERS, environment=environment)

    def _on_download(self, progress: DownloadProgress) -> None:
        self._refuse_if_stopping()
        self._screen.download(progress)

    def _refuse_if_stopping(self) -> None:
        if self.supervisor.stopping:
            raise PartFailed("It was stopped while it was being started.")

    def _hopeful(self, name: str) -> bool:
        return not self.supervisor.stopping and self.supervisor.failures(name) < TRIES


def _register(conninfo: str, identity: LogIdentity) -> None:
    with Store(conninfo, application="sparge up") as store:
        for sink, topics in SINKS.items():
            store.register_log(
                sink,
                identity.cluster_id,
                {topic.name: identity.topics[topic.name] for topic in topics},
                {topic.name: topic.partitions for topic in topics},
            )


def free_port(host: str) -> int:
    """Return a port that nothing listens on just now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def _end_helpers(within_s: float) -> None:
    """Wait a moment for child processes that are left, then kill them."""
    import psutil  # noqa: PLC0415 - comes with the embedded layer

    own = psutil.Process()
    while left := own.children(recursive=True):
        for process in psutil.wait_procs(left, within_s)[1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        within_s = 0.0


def _over(*futures: Future[dict[str, str]]) -> bool:
    """Whether all are done, or one has failed: then its error is raised here."""
    done = [future for future in futures if future.done()]
    for future in done:
        future.result()
    return len(done) == len(futures)
