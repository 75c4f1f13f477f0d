"""One set of options names a context, for every command that needs one."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import QueryRefused
from schemas.model_event import ModelContext
from sparge.model_contexts import context_of, names_context

app = typer.Typer()


@app.command()
@names_context
def ask(word: str, *, context: ModelContext | None, loud: bool = False) -> None:
    """Say what was understood."""
    typer.echo(f"{word} {loud} {None if context is None else context.encode().decode()}")


def said(*arguments: str) -> str:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).output.strip()


def test_a_command_is_given_the_context_that_its_options_name() -> None:
    assert said("hello") == "hello False None"
    assert said("hello", "--organism", "E. coli", "--scale", "1..5", "--loud") == (
        'hello True {"organism":"E. coli","scale_from_L":1.0,"scale_to_L":5.0}'
    )


def test_the_options_stand_in_the_help_where_the_context_was() -> None:
    text = said("--help")
    for option in ("--unit", "--organism", "--process", "--scale", "--phase", "--loud"):
        assert option in text
    assert "--context" not in text
    assert "Say what was understood." in text


def test_a_scale_of_one_volume_is_a_span_and_a_word_is_refused() -> None:
    asked = dict.fromkeys(("unit", "organism", "process", "phase"))
    assert context_of(**asked, scale="2") == ModelContext(scale_from_L=2.0, scale_to_L=2.0)
    with pytest.raises(QueryRefused, match="is no span of volumes"):
        context_of(**asked, scale="small")
