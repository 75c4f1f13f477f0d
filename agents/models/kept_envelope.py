"""Envelopes on their own topic: each under the SHA-256 of its bytes, in parts that a message may hold.

An envelope never changes: another one has another digest. So its record needs no order and no signature; the
registry says which one is in force, by that digest, and what does not hash to it is not read.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.models.reference_batches import read, told
from agents.state_codec import pack, unpack
from schemas.errors import ModelRefused, SnapshotRefused

if TYPE_CHECKING:
    from agents.models.golden import Envelope, Segment

PART_BYTES = 768 * 1024
"""Of one message; topics take 1 MiB."""

MOST_BYTES = 16 * 1024 * 1024
"""Of one envelope: every watch has in memory those that are in force."""

UNSIGNED = b""


class Kept(NamedTuple):
    """An envelope as it is kept: messages, each a key and a value, and the digest that names them all."""

    digest: str
    parts: tuple[tuple[bytes, bytes], ...]

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(len(value) for _, value in self.parts)


def keep(envelope: Envelope) -> Kept:
    """Return the messages of an envelope; numbers are rounded to seven digits, which no spread is sure of.

    Raises:
        ModelRefused: it is too large.
    """
    body = zlib.compress(pack(told(_rounded(envelope)), UNSIGNED), 9)
    if len(body) > MOST_BYTES:
        raise ModelRefused(
            f"The envelope of {len(envelope.signals)} signals takes {len(body) / 1e6:.1f} MB; "
            f"{MOST_BYTES / 1e6:.1f} MB is the most.",
            kept="Nothing was changed.",
            next_step="name the signals that matter with --signal, or give a recipe with fewer points_most",
        )
    digest = hashlib.sha256(body).hexdigest()
    pieces = [body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES)]
    return Kept(
        digest,
        tuple((f"{digest}/{place}/{len(pieces)}".encode(), piece) for place, piece in enumerate(pieces)),
    )


class Envelopes:
    """The envelopes that were read from their topic; each is unpacked once, when it is first asked for."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[bytes, bytes]] = {}
        self._known: dict[str, Envelope] = {}

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Take a message of the topic; what is none of ours is passed over."""
        digest = (key or b"").partition(b"/")[0].decode("ascii", "replace")
        if key is not None and value is not None:
            self._parts.setdefault(digest, {})[key] = value

    def get(self, digest: str) -> Envelope:
        """Return an envelope.

        Raises:
            ModelRefused: it is not there, or not whole.
        """
        if digest not in self._known:
            self._known[digest] = self._unpacked(digest)
        return self._known[digest]

    def _unpacked(self, digest: str) -> Envelope:
        parts = self._parts.get(digest, {})
        body = b"".join(parts[key] for key in sorted(parts, key=_place))
        if not body or hashlib.sha256(body).hexdigest() != digest:
            state = "is not kept" if not body else f"is torn: {len(parts)} parts of it do not fit together"
            raise ModelRefused(
                f"The envelope {digest[:12]} {state}.",
                next_step="sparge models envelope builds it anew from the same batches",
            )
        try:
            envelope = read(unpack(zlib.decompress(body), UNSIGNED))
        except (SnapshotRefused, zlib.error) as error:
            raise ModelRefused(
                f"The envelope {digest[:12]} cannot be read here.", detail=str(error)
            ) from error
        return replace(envelope, digest=digest)


def _place(key: bytes) -> tuple[int, bytes]:
    place = key.split(b"/")[1:2]
    return (int(place[0]) if place and place[0].isdigit() else 0, key)


def _rounded(envelope: Envelope) -> Envelope:
    """The same in single precision; its own digest would be that of other numbers, and is left out."""
    segments = {name: _single(segment) for name, segment in envelope.segments.items()}
    return replace(envelope, segments=segments, digest="")


def _single(segment: Segment) -> Segment:
    long = ("low", "high", "level_spread", "change_spread", "freedom")
    return replace(segment, **{name: getattr(segment, name).astype(np.float32) for name in long})
