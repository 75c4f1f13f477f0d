"""`sparge doctor`: every part, what is wrong, what to do."""

import time
from typing import Annotated

import orjson
import typer

from schemas.errors import SpargeError
from sparge import doctor_store
from sparge.doctor import Finding, Verdict, data_directory, environment, failed, running
from sparge.doctor_broker import broker
from sparge.doctor_watch import watch
from sparge.settings import Settings, reach
from sparge.terminal import command_name, out, say
from storage.connection import as_url

STYLES = {Verdict.OK: "green", Verdict.OFF: "dim", Verdict.WARN: "bold yellow", Verdict.FAIL: "bold red"}


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    database_url: Annotated[
        bool, typer.Option("--database-url", help="Print only the database's address, for psql and pg_dump.")
    ] = False,
    with_password: Annotated[bool, typer.Option("--with-password", help="Put its password in, too.")] = False,
) -> None:
    """Check every part: what is wrong and what to do.

    Ends with 1 only if something that is set up or running fails.
    """
    if database_url:
        say(as_url(reach().conninfo(), with_password=with_password))
        return
    try:
        findings = examine(reach())
    except SpargeError as error:
        findings = [*environment(), failed("settings", error)]
    if as_json:
        rows = [
            {"part": one.part, "verdict": one.verdict, "found": one.found, "do": one.do} for one in findings
        ]
        out.print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(findings)
    if any(one.verdict is Verdict.FAIL for one in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> list[Finding]:
    """Return what is found in every part that is set up."""
    findings = [*environment(), *data_directory(settings.home), *running(settings)]
    kafka = None
    if settings.broker is None:
        findings.append(Finding("broker", Verdict.OFF, "none is named, none runs", f"{command_name()} up"))
    else:
        kafka = settings.kafka()
        at_broker = broker(kafka)
        findings += at_broker
        if any(one.verdict is Verdict.FAIL for one in at_broker):
            kafka = None
        else:
            findings.append(watch(kafka, time.time_ns() // 1000))
    if settings.database is None:
        findings.append(Finding("database", Verdict.OFF, "none is named, none runs", f"{command_name()} up"))
    else:
        findings += doctor_store.database(settings.conninfo(), kafka, time.time_ns() // 1000)
    return findings


def _show(findings: list[Finding]) -> None:
    width = max(len(one.part) for one in findings)
    for one in findings:
        say((f"{one.verdict:<5}", STYLES[one.verdict]), (f"{one.part:<{width}}  ", "bold"), one.found)
        if one.do:
            say(f"{'':<{5 + width}}  ", ("do: ", "bold"), one.do)
    wrong = [one for one in findings if one.verdict in (Verdict.FAIL, Verdict.WARN)]
    failures = sum(one.verdict is Verdict.FAIL for one in findings)
    say(f"{failures} failed, {len(wrong) - failures} to look at, of {len(findings)} checks.")
