"""Addresses as they may be shown: without their passwords."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

# libpq's keyword form: a value is quoted, with backslash escapes, or ends at white space.
_PASSWORD = re.compile(r"\s*\b(?:ssl)?password\s*=\s*(?:'(?:\\.|[^'\\])*'?|(?:\\.|[^\s\\])*)", re.DOTALL)
_SECRET_KEYS = {"password", "sslpassword"}


def database(conninfo: str) -> str:
    """Return a PostgreSQL connection string (URL or keywords) without any password."""
    if "://" not in conninfo:
        return _PASSWORD.sub("", conninfo).strip()
    parts = urlsplit(conninfo)
    # The last @ ends the user part, whatever a password contains.
    user, at, host = parts.netloc.rpartition("@")
    query = urlencode(
        [(key, value) for key, value in parse_qsl(parts.query) if key not in _SECRET_KEYS], safe="/"
    )
    shown = f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"
    return f"{shown}?{query}" if query else shown
