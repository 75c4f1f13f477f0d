"""One set of options names a context, for every command that needs one."""

from __future__ import annotations

import shlex

import pytest
import typer
from typer.testing import CliRunner

from schemas.errors import QueryRefused
from schemas.model_event import ModelContext
from sparge.model_contexts import context_of, names_context, typed

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


@pytest.mark.parametrize("scale", ["", "5..1", "-1..5", "nan..5", "1..inf", "0", "1.."])
def test_what_is_no_span_of_volumes_is_refused_in_plain_words(scale: str) -> None:
    asked = dict.fromkeys(("unit", "organism", "process", "phase"))
    with pytest.raises(QueryRefused, match=r"is no span of volumes: write --scale 1\.\.5"):
        context_of(**asked, scale=scale)


@pytest.mark.parametrize("unit", ["foo", "", "a/b/c", "north/BR 01"])
def test_what_is_no_unit_is_refused_in_plain_words(unit: str) -> None:
    asked = dict.fromkeys(("organism", "process", "scale", "phase"))
    with pytest.raises(QueryRefused, match="names no unit: write --unit SITE/UNIT"):
        context_of(**asked, unit=unit)


@pytest.mark.parametrize("organism", ["", " ", "E.\ncoli"])
def test_a_name_that_nobody_can_read_is_refused_in_plain_words(organism: str) -> None:
    asked = dict.fromkeys(("unit", "process", "scale", "phase"))
    with pytest.raises(QueryRefused, match="--organism is empty or has characters"):
        context_of(**asked, organism=organism)


@pytest.mark.parametrize(
    ("context", "options"),
    [
        (ModelContext(), ""),
        (ModelContext(unit="lab/BR-02"), " --unit lab/BR-02"),
        (
            ModelContext(organism="E. coli", scale_from_L=1.0, scale_to_L=2.5),
            " --organism 'E. coli' --scale 1..2.5",
        ),
        (ModelContext(scale_from_L=10.0, scale_to_L=100.0, phase="feed"), " --scale 10..100 --phase feed"),
    ],
)
def test_a_context_is_printed_as_it_is_typed(context: ModelContext, options: str) -> None:
    assert typed(context) == options
    named = dict(zip(words := shlex.split(options), words[1:], strict=False))
    asked = {name: named.get(f"--{name}") for name in ("unit", "organism", "process", "scale", "phase")}
    assert (context_of(**asked) or ModelContext()) == context
