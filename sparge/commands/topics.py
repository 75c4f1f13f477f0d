"""`sparge topics`: the broker's topics against their declaration."""

from typing import Annotated

import typer

from schemas.errors import TopicMismatch
from sparge.settings import reach
from sparge.terminal import command_name, say, text_table
from streams.admin import TopicReport, check_topics, describe_log, ensure_topics
from streams.connection import Broker
from streams.topics import TOPICS

app = typer.Typer(invoke_without_command=True)


@app.callback()
def topics(context: typer.Context) -> None:
    """Create, check or adopt the topics of the broker; without a word more, create what is missing."""
    if context.invoked_subcommand is None:
        create()


@app.command()
def create() -> None:
    """Create the topics that are missing and set right the settings that drifted."""
    broker = reach().kafka()
    _show(broker, ensure_topics(broker))
    say(f"next: {command_name()} doctor")


@app.command()
def check() -> None:
    """Compare the topics with their declaration and change nothing; ends with 1 if they differ."""
    broker = reach().kafka()
    reports = check_topics(broker)
    _show(broker, reports)
    if any(report.action != "unchanged" for report in reports):
        raise TopicMismatch(
            "The topics are not as declared.",
            kept="Nothing was changed.",
            next_step=f"{command_name()} topics create",
        )


@app.command()
def adopt(
    *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the log is accepted.")] = False
) -> None:
    """Accept that the database goes on with this broker's log, which is another than before.

    For a cluster or topic that was made anew on purpose. What is stored stays; the positions of the former
    log are kept as history, and this log is read from its beginning.
    """
    from storage.store import Store  # noqa: PLC0415 - a machine that only creates topics has no database

    settings = reach()
    broker, conninfo = settings.kafka(), settings.conninfo()
    identity = describe_log(broker, [topic.name for topic in TOPICS])
    say(f"The log at {broker.bootstrap} is cluster {identity.cluster_id}.")
    if not yes:
        typer.confirm("Go on with it from its beginning?", abort=True)
    with Store(conninfo, application="sparge topics adopt") as store:
        retired = store.adopt_log(identity.cluster_id, identity.topics)
    for line in retired:
        say(line)
    say("Adopted." if retired else "There was nothing to adopt: no positions of another log.")
    say(f"next: start the workers again, or {command_name()} doctor")


def _show(broker: Broker, reports: list[TopicReport]) -> None:
    rows = [
        [
            report.name,
            str(report.partitions),
            report.action,
            "; ".join(f"{key} {found} -> {declared}" for key, (found, declared) in report.drift.items()),
        ]
        for report in reports
    ]
    say(f"Topics of {broker.bootstrap}:")
    say(text_table(["topic", "partitions", "state", "settings"], rows, right=[1]))
