"""`sparge deadletters`: messages that were refused: why, what they were, and how they come back."""

import time
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import ContractError
from sparge.letters import check, escaped, find, letters, short_id
from sparge.settings import reach
from sparge.terminal import command_name, say, text_table
from sparge.times import show_time
from streams.deadletters import send_back
from streams.tail import read_all
from streams.topics import DEADLETTER

app = typer.Typer(no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="topic/partition/offset, as `list` shows it.")]


@app.command("list")
def list_() -> None:
    """List refused messages, the latest last."""
    found = list(letters(read_all(reach().kafka(), DEADLETTER.name)))
    if not found:
        say("There are no dead letters.")
        return
    rows = [
        [
            short_id(letter),
            show_time(letter.recorded_us),
            escaped(letter.original_key or b"", 60),
            letter.reason,
            escaped(letter.where.encode(), 60),
            str(len(letter.original)),
        ]
        for letter in found
    ]
    say(text_table(["id", "recorded", "key", "reason", "where", "bytes"], rows, right=[5]))
    say(f"next: {command_name()} deadletters show {short_id(found[-1])}")


@app.command()
def show(
    id_: Id,
    *,
    out: Annotated[
        Path | None, typer.Option(help="File to write the original bytes to.", show_default=False)
    ] = None,
) -> None:
    """Show why a message was refused, and the message."""
    letter = find(id_, list(letters(read_all(reach().kafka(), DEADLETTER.name))))
    for name, text in (
        ("id", letter.source.id),
        ("reason", letter.reason),
        ("where", escaped(letter.where.encode()) or "the whole message"),
        ("message", escaped(letter.message.encode())),
        ("recorded", show_time(letter.recorded_us)),
        ("key", "none" if letter.original_key is None else escaped(letter.original_key)),
        *(
            (f"header {escaped(name.encode(), 60)}", escaped(value, 200))
            for name, value in letter.original_headers
        ),
    ):
        say((f"{name}: ", "bold"), text)
    say((f"{len(letter.original)} bytes: ", "bold"), escaped(letter.original))
    if out is not None:
        out.write_bytes(letter.original)
        say(f"The original bytes are in {out}.")
    sparge = command_name()
    say(f"next: repair it ({sparge} deadletters show {id_} --out FILE), then")
    say(f"      {sparge} deadletters replay {id_} --value-file FILE")


@app.command()
def replay(
    id_: Id,
    *,
    value_file: Annotated[
        Path | None, typer.Option(help="File with the repaired message.", show_default="the original bytes")
    ] = None,
    key: Annotated[
        str, typer.Option(help="The repaired key, site/unit.", show_default="the original key")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Send it though it would be refused again.")] = False,
) -> None:
    """Send a refused message, or what it was repaired to, to its topic again.

    It is checked first. The dead letter stays in its topic as a record of what happened.
    """
    broker = reach().kafka()
    letter = find(id_, list(letters(read_all(broker, DEADLETTER.name))))
    body = letter.original if value_file is None else value_file.read_bytes()
    sent_key = key.encode() if key else letter.original_key
    topic = letter.source.topic
    try:
        check(topic, sent_key, body, time.time_ns() // 1000)
    except ContractError as error:
        if not force:
            sparge = command_name()
            error.message = f"It would be refused again: {error.message}"
            error.kept = "Nothing was sent; the dead letter is still there."
            error.next_step = (
                f"repair it: {sparge} deadletters replay {id_} --value-file FILE [--key site/unit]"
            )
            raise
    partition, offset = send_back(broker, topic, sent_key, body, letter.original_headers)
    say(f"Sent as {topic}/{partition}/{offset}, {len(body)} bytes, acknowledged by the broker.")
    if sent_key and topic.startswith("telemetry."):
        say(f"next: {command_name()} query {escaped(sent_key)} --last 10min")
