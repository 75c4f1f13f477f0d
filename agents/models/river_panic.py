"""What River's compiled parts do when they give up, as an error like any other.

A panic in Rust reaches Python as an exception that `except Exception` lets pass: it would end the worker.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def panics_as_errors() -> Iterator[None]:
    """Raise RuntimeError where River's compiled parts panic."""
    try:
        yield
    except BaseException as panic:
        if type(panic).__module__ != "pyo3_runtime":
            raise
        raise RuntimeError(f"River gave up: {panic}") from panic
