"""What vendors and people call the signals of the dictionary: from a tag to its signal and unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from schemas.errors import ContractError
from schemas.signals import DICTIONARY, read_yaml

WORDS = "words"
"""The entry of what people say anywhere, beside those of the vendors."""

_SEPARATORS = re.compile(r"[\W_]+")


class Alias(NamedTuple):
    """A signal of the dictionary, and the UCUM unit in which the tag is sent; None where it is not fixed."""

    signal: str
    unit: str | None


Table = Mapping[str, Alias | None]
"""By tag without capitals and separators; None for a tag that is known to mean no signal."""


def load(text: str) -> Mapping[str, Table]:
    """The aliases written in `text` (YAML), by vendor.

    Raises:
        ValueError: a tag stands twice under a vendor, or leads to a signal outside the dictionary.
    """
    tables: dict[str, Table] = {}
    for vendor, entries in read_yaml(text).items():
        table: dict[str, Alias | None] = {}
        for tag, entry in entries.items():
            key = _bare(tag)
            if key in table:
                raise ValueError(f"aliases: {vendor} has {tag} twice; capitals and separators do not count")
            table[key] = None if entry is None else _alias(vendor, tag, entry)
        tables[vendor] = MappingProxyType(table)
    return MappingProxyType(tables)


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Table]:
    """The aliases that come with Sparge, by vendor."""
    return load(files("schemas").joinpath("aliases.yaml").read_text("utf-8"))


def vendors() -> tuple[str, ...]:
    """The vendors whose tags are known."""
    return tuple(sorted(shipped().keys() - {WORDS}))


def of_vendor(tag: str, vendor: str) -> Alias | None:
    """What this vendor means by the tag, None where it is not known to mean a signal.

    Raises:
        ContractError: the vendor is not known.
    """
    return _table(vendor).get(_bare(tag))


def canonical(tag: str, vendor: str | None = None) -> Alias | None:
    """The signal that a tag means, None where that is not known or not clear.

    The vendor's own tags go first; then come the dictionary's names, what people say anywhere, and, where no
    vendor is named, the tags on which all vendors that have them agree. Capitals and separators do not count.

    Raises:
        ContractError: the vendor is not known.
    """
    bare = _bare(tag)
    # A separator before a number tells the second probe, DO_2, from dissolved oxygen, dO2.
    parted = _SEPARATORS.sub("_", tag.strip().casefold())
    named = _names(separator="_").get(parted)
    if vendor is not None and bare in _table(vendor) and (named is None or parted == bare):
        return _table(vendor)[bare]
    if named is not None:
        return Alias(named, None)
    if bare in shipped()[WORDS]:
        return shipped()[WORDS][bare]
    squeezed = _names(separator="").get(bare)
    if squeezed is not None:
        return Alias(squeezed, None)
    return _agreed(bare) if vendor is None else None


def _agreed(bare: str) -> Alias | None:
    """What all vendors that have the tag mean by it; without a unit where they send it in different ones."""
    meant = {shipped()[vendor][bare] for vendor in vendors() if bare in shipped()[vendor]}
    found = {alias.signal if alias else None for alias in meant}
    signal = found.pop() if len(found) == 1 else None
    if signal is None:
        return None
    return meant.pop() if len(meant) == 1 else Alias(signal, None)


def _alias(vendor: str, tag: str, entry: str | Mapping[str, str]) -> Alias:
    alias = Alias(entry, None) if isinstance(entry, str) else Alias(entry["signal"], entry.get("unit"))
    if alias.signal not in DICTIONARY:
        raise ValueError(f"aliases: {tag} of {vendor} leads to {alias.signal}, which the dictionary has not")
    return alias


def _table(vendor: str) -> Table:
    if vendor not in vendors():
        raise ContractError(f"The vendor {vendor} is not known. Known are {', '.join(vendors())}.")
    return shipped()[vendor]


@lru_cache(maxsize=2)
def _names(separator: str) -> Mapping[str, str]:
    return MappingProxyType({name.casefold().replace("_", separator): name for name in DICTIONARY})


def _bare(tag: str) -> str:
    return _SEPARATORS.sub("", tag.casefold())
