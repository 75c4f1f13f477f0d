"""The key by which watch knows its own memory in watch.state: named in the settings, or made once."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from sparge.settings import Settings

LEAST_CHARACTERS = 16
_FILE = "state.key"


def state_key(settings: Settings) -> bytes:
    """Return the signing key, 32 bytes.

    Workers on several machines share a consumer group, so they must share the key: SPARGE_STATE_KEY. On one
    machine the data directory has it, readable by its owner alone.

    Raises:
        SettingsError: the key is too short to be one.
    """
    if settings.state_key is not None:
        text = settings.state_key.get_secret_value()
        where = "SPARGE_STATE_KEY"
    else:
        path = settings.home / _FILE
        text = _made_or_found(path)
        where = str(path)
    if len(text) < LEAST_CHARACTERS:
        raise SettingsError(
            f"The key in {where} has {len(text)} characters; it needs {LEAST_CHARACTERS} or more.",
            kept="Everything in the log.",
            next_step='python -c "import secrets; print(secrets.token_hex(32))"',
        )
    return sha256(text.encode()).digest()


def _made_or_found(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside it and then named: whoever comes second finds a whole key.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another worker was first: its key is the key
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
