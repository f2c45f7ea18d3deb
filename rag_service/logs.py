"""Log lines on stderr, as text or as JSON, with what is known of the request they are of."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TextIO
from urllib.parse import unquote, urlsplit

from rag_service.core.settings import Settings

OURS = ("rag_service", "ingest", "finetune", "eval")
_SECRETS = r"\brl_[\w-]{8,}|(?<=[Bb]earer )[^\s\"'\\]+|(?<=://)[^\s/@\"']*(?=@)"
"""API keys, what stands in a header of authorisation, and logins in addresses."""
_SIGNS = ("rl_", "earer ", "@")
"""Without one of these, a line holds none of them: sought first, since that is far quicker."""
_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")

_known: ContextVar[dict[str, object] | None] = ContextVar("ragloop_log_fields", default=None)


def set_up_logs(settings: Settings, *, service: bool = False) -> None:
    """Write log lines to stderr as the settings say.

    A ``service`` writes also when, how serious and of which request; a command's text is its
    message alone. Where somebody else has set logging up, only the levels are set.
    """
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, _Stderr)]
    if ours or not root.handlers:
        handler = _Stderr()
        as_json = settings.log_format == "json"
        handler.setFormatter(
            LineFormatter(as_json=as_json, known=service, secrets=secrets(settings))
        )
        for old in ours:
            root.removeHandler(old)
        root.addHandler(handler)
    level = settings.log_level.upper()
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in OURS if service or level != "INFO" else OURS[:1]:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(service)


def begin(**known: object) -> None:
    """Have every line from here on, also in threads that begin from here, say ``known``."""
    _known.set(known)


def note(**more: object) -> None:
    """Add to what `begin` said, for everybody who works on the same request."""
    known = _known.get()
    if known is not None:
        known.update(more)


def request_id() -> str:
    """Of the request that is being answered; ``""`` outside of any."""
    return str((_known.get() or {}).get("request_id", ""))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr at that time."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class LineFormatter(logging.Formatter):
    """``as_json``: one JSON object a line; else text, with what is known of the request behind it.

    ``known``: text says more than the message. JSON has also what a record has as ``fields``,
    which is for data that the message says in words. Whatever is among ``secrets``, or looks like
    one, is left out.
    """

    def __init__(self, *, as_json: bool, known: bool = True, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._as_json = as_json
        self._known = known
        self._scrub = scrubber(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        trouble = self.formatException(record.exc_info) if record.exc_info else ""
        if not self._as_json and not self._known:
            return f"{message}\n{trouble}" if trouble else message
        whole, part = divmod(record.created, 1)
        when = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int(1000 * part):03}Z"
        known = dict(_known.get() or {})  # a thread may add to it meanwhile
        if self._as_json:
            document = {
                "time": when,
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": message,
                **known,
                **getattr(record, "fields", {}),
            }
            if trouble:
                document["exception"] = trouble
            return json.dumps(document, default=str)
        behind = "".join(f" {name}={_word(value)}" for name, value in known.items())
        # Indented, so that nothing in a message looks like a line of its own.
        message = _CONTROL.sub(" ", message).replace("\n", "\n    ")
        line = f"{when} {record.levelname} {message}{behind}"
        return f"{line}\n{trouble}" if trouble else line


def scrubber(secrets: Sequence[str]) -> Callable[[str], str]:
    """What leaves ``secrets``, and whatever looks like one, out of a text."""
    # Also as they stand in JSON.
    forms = {form for s in secrets if len(s) >= 4 for form in (s, json.dumps(s)[1:-1])}
    secret = re.compile("|".join([*map(re.escape, forms), _SECRETS]))
    signs = (*_SIGNS, *forms)

    def scrub(text: str) -> str:
        return secret.sub("…", text) if any(sign in text for sign in signs) else text

    return scrub


def secrets(settings: Settings) -> list[str]:
    """What no line may say, of the settings."""
    known = [settings.openai_api_key]
    for url in (settings.redis_url, settings.jobs_url):
        if "@" in url:
            try:
                known.append(unquote(urlsplit(url).password or ""))
            except ValueError:
                known.append(url)
    return known


def _word(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
