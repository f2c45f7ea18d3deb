"""Keys to the service: how one is made, and what is kept of it."""

from __future__ import annotations

import hashlib
import secrets

_PREFIX = "rl_"
_BYTES = 32


def new_key() -> str:
    """A key of 256 random bits, such as ``rl_k3…``."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def digest(key: str) -> str:
    """SHA-256 of a key, in hex: what is stored, and what a key is found by.

    A slow hash protects passwords, which people choose and others guess; 256 random bits are not
    found by trying, and this is computed at every request. To be found by its digest tells an
    attacker who measures times nothing either: they choose the key, and not its digest.
    """
    return hashlib.sha256(key.encode()).hexdigest()
