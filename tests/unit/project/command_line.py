"""Whether a command that a document or a deployment names is one of ours, options and all."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import typer

from sparge.cli import build

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str]) -> None:
    """Parse the arguments after `sparge` as the command line would, without running anything.

    Fails the test where `sparge` would say that it does not understand.
    """
    # Typer brings a command line library of its own, whose classes have no public name: hence Any.
    command: Any = typer.main.get_command(build(arguments[0]))
    context, name, rest = None, "sparge", list(arguments)
    try:
        while True:
            context = command.make_context(name, rest, parent=context)
            left = [*getattr(context, "_protected_args", ()), *context.args]
            if not left or not hasattr(command, "resolve_command"):
                return
            name, command, rest = command.resolve_command(context, left)
    except Exception as error:
        raise AssertionError(f"sparge {shlex.join(arguments)}: {error}") from error


def sparge_commands(shell: str) -> list[list[str]]:
    """Return the arguments of every `sparge` command in a block of shell, prompts and comments left out.

    A line that ends in a backslash goes on; what follows a pipe, `&&` or a redirection belongs to the shell.
    """
    found = []
    for line in shell.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if not set(word) <= set("|&;<>()"):
                words.append(word)
                continue
            while words and "=" in words[0]:
                words.pop(0)
            if words and words[0].rpartition("/")[2] == "sparge":
                found.append(words[1:])
            words = []
    return found
