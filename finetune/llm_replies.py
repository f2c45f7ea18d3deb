"""What an LLM wrote, kept in a file that grows line by line."""

import json
from pathlib import Path


class Replies:
    """Replies by key, read from ``path`` and added to it as they come.

    Each is one JSON line. What a killed process left of a line is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._read(line)

    def get(self, key: str) -> str | None:
        return self._known.get(key)

    def add(self, key: str, reply: str) -> None:
        self._known[key] = reply
        # The line break comes first: a line that a kill cut off spoils no other.
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write("\n" + json.dumps({"key": key, "reply": reply}))

    def _read(self, line: str) -> None:
        try:
            row = json.loads(line)
            self._known[row["key"]] = row["reply"]
        except (ValueError, KeyError, TypeError):
            return
