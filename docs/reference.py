"""The reference pages, written from the code: ``python docs/reference.py [--check]``.

``cli.md`` from the commands, ``api.md`` from the OpenAPI document, ``settings.md`` from the
settings. With ``--check`` nothing is written, and the exit status is 1 if a page is not up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import typer

from rag_service.api.app import create_app
from rag_service.api.deps import ServicesLike
from rag_service.cli.main import app
from rag_service.core.settings import Settings

FOLDER = Path(__file__).parent
_HOME = re.escape(str(Path.home()))


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    return {
        "cli.md": _page("Command line", "the commands", _commands()),
        "api.md": _page("HTTP API", "the OpenAPI document", _api()),
        "settings.md": _page("Settings", "rag_service/core/settings.py", _settings()),
    }


def _page(title: str, source: str, lines: Iterator[str]) -> str:
    made = f"Written from {source} by `make reference`; `make check` compares."
    text = "\n".join([f"# {title}", made, "", *lines]).rstrip() + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _commands() -> Iterator[str]:
    root = typer.main.get_command(app)
    yield f"{_sentence(root.help)}\n"
    yield from _command(root, "ragloop")


def _command(command: Any, name: str) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    for word in sorted(inner):
        yield from _command(inner[word], f"{name} {word}")
    if inner:
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    shown = "".join(f" {_metavar(p)}" for p in arguments)
    yield f"## `{name}{shown}`"
    yield f"{_sentence(command.help)}\n"
    rows = [(_flags(p), _default(p), _cell(getattr(p, "help", ""))) for p in command.params]
    yield from _table(("", "default", ""), [row for row in rows if row[0] != "`--help`"])


def _metavar(argument: Any) -> str:
    name = f"{argument.metavar or argument.name.upper()}{'…' if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def _flags(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if not value or callable(value) else _code(value)


def _api() -> Iterator[str]:
    document = create_app(lambda: nullcontext(cast(ServicesLike, None))).openapi()
    schemas = document["components"]["schemas"]
    routes = [
        (f"{method.upper()} {path}", route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    ]
    errors: dict[str, str] = {}
    nested: dict[str, None] = {}
    for heading, route in routes:
        yield f"## `{heading}`"
        yield f"{_sentence(route.get('description') or route.get('summary', ''))}\n"
        yield from _parameters(route.get("parameters", []))
        for kind, body in route.get("requestBody", {}).get("content", {}).items():
            schema = _named(body["schema"], schemas)
            yield f"Body, `{kind}`:\n"
            yield from _fields(schema, schemas)
            nested |= dict.fromkeys(_references(schema, schemas))
        yield from _responses(route["responses"], errors)
    yield "## Fields within bodies"
    for name in nested:
        said = _sentence(schemas[name].get("description"))
        yield f"`{name}`{f': {said}' if said else ''}\n"
        yield from _fields(schemas[name], schemas)
    yield "## Errors"
    yield "Problem documents (RFC 9457); on OpenAI's routes in the shape that its clients read.\n"
    yield from _table(("status", ""), sorted((f"`{s}`", _cell(e)) for s, e in errors.items()))


def _references(schema: Any, schemas: dict[str, Any]) -> Iterator[str]:
    """Names of the schemas that the fields of one refer to, and the fields of those."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            name = str(schema["$ref"]).rsplit("/", 1)[-1]
            yield name
            yield from _references(schemas[name], schemas)
        for inner in schema.values():
            yield from _references(inner, schemas)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner, schemas)


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    rows = [
        (f"`{one['name']}`", one["in"], _type(one["schema"]), _cell(one.get("description", "")))
        for one in parameters
    ]
    yield from _table(("parameter", "in", "type", ""), rows)


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    needed = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        default = "needed" if name in needed else _code(field.get("default"))
        said = field.get("description") or _named(field, schemas).get("description", "")
        rows.append((f"`{name}`", _type(field), default, _cell(said)))
    yield from _table(("field", "type", "default", ""), rows)


def _responses(responses: dict[str, Any], errors: dict[str, str]) -> Iterator[str]:
    """What a route gives. ``errors`` collects what its errors mean, said once for all routes."""
    own = []
    refused = []
    for status, one in sorted(responses.items()):
        said = one["description"]
        if status >= "400" and errors.setdefault(status, said) == said:
            refused.append(f"`{status}`")
        else:
            own.append((f"`{status}`", ", ".join(map(_code, one.get("content", {}))), _cell(said)))
    yield from _table(("status", "content", ""), own)
    if refused:
        yield f"Errors: {', '.join(refused)}.\n"


def _named(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for; of several alternatives the first that is not null."""
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            return cast(dict[str, Any], schemas[one["$ref"].rsplit("/", 1)[-1]])
    return schema


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "const" in schema:
        return _code(schema["const"])
    if "enum" in schema:
        return ", ".join(map(_code, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [
        f"{sign} {schema[key]:g}"
        for key, sign in (("minimum", "≥"), ("maximum", "≤"), ("maxLength", "length ≤"))
        if key in schema
    ]
    return " ".join([str(schema.get("type", "any")), *limits])


def _settings() -> Iterator[str]:
    yield "All are environment variables; `ragloop doctor` says which of them do not fit.\n"
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.is_required() else _code(field.get_default(call_default_factory=True))
        rows.append((f"`RAGLOOP_{name.upper()}`", default, _cell(field.description or "")))
    yield from _table(("variable", "default", ""), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
        yield ""


def _code(value: object) -> str:
    """As it would be typed, and the same on every machine."""
    if value is None or isinstance(value, dict):
        return ""
    text = re.sub(rf"^{_HOME}(?=/)", "~", str(value)).removeprefix(f"{Path.cwd()}/")
    return f"`{text}`" if text else ""


def _sentence(text: str | None) -> str:
    """Docstrings' paragraphs, each on a line."""
    paragraphs = re.split(r"\n\s*\n", (text or "").replace("``", "`").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").replace("|", "\\|").split())


def main() -> int:
    stale = [name for name, text in pages().items() if _read(FOLDER / name) != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            sys.stderr.write(f"docs/{name} is not what the code says: run `make reference`\n")
        return 1 if stale else 0
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
