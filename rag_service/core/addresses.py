"""Addresses of services, as they may be shown."""

from __future__ import annotations


def without_secrets(url: str) -> str:
    """``url`` without user, password and query, also if it is no address that can be parsed."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    address, _, query = rest.partition("?")
    if "@" in query:
        # Whether the question mark begins the query or stands in a password is not known.
        return f"{scheme}{mark}…"
    return f"{scheme}{mark}{address.rpartition('@')[2]}"
