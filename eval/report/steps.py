"""How to reproduce what the report tells: commands, settings and versions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from eval.report.facts import Report
from eval.report.markup import facts, moment

MOST_JOBS = 8
_NUMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("data", "max_questions"), "--questions"),
    (("data", "max_llm_questions"), "--llm-questions"),
    (("data", "max_minutes"), "--llm-minutes"),
    (("training", "epochs"), "--epochs"),
    (("training", "patience"), "--patience"),
)
"""Options of a job, as the command line calls them; 0 has a meaning of its own."""
_SET: tuple[tuple[tuple[str, ...], str], ...] = (
    (("negatives",), "--negatives"),
    (("data", "questions_file"), "--questions-file"),
    (("data", "only_own"), "--only-own"),
    (("training", "texts_file"), "--train-data"),
    (("training", "texts_only"), "--only-own"),
    (("training", "loss"), "--loss"),
    (("training", "texts_loss"), "--loss"),
    (("training", "dims"), "--dims"),
    (("training", "batch_size"), "--batch-size"),
    (("training", "learning_rate"), "--learning-rate"),
    (("training", "adapter"), "--adapter"),
)
"""Options that are given only if they are set."""


def how_to_reproduce(report: Report) -> str:
    """Commands of the newest jobs with their settings, of the measurements, and versions."""
    parts = [_job(journal) for journal in report.jobs[::-1][:MOST_JOBS]]
    commands = "\n".join(dict.fromkeys(_measurements(report)))
    if commands:
        folder = "DIR holds the folders of the question sets. " if "DIR/" in commands else ""
        parts.append(
            f"<h3>Measurements</h3>\n<pre>{escape(commands)}</pre>\n"
            f'<p class="note">{folder}Intervals come from the seed that stands beside each '
            "figure.</p>\n"
        )
    if report.versions:
        parts.append("<h3>Versions when this page was made</h3>\n" + _versions(report.versions))
    return "".join(parts)


def _job(journal: Mapping[str, Any]) -> str:
    seconds = {name: step.get("seconds", 0) for name, step in journal.get("steps", {}).items()}
    took = ", ".join(f"{name} {value:,.0f} s" for name, value in seconds.items() if value >= 1)
    reason = f": {journal['reason']}" if journal.get("reason") else ""
    told = [
        moment(str(journal.get("started", ""))),
        f"{journal.get('state', '')}{reason}",
        took,
    ]
    arguments = journal.get("arguments", {})
    options = json.dumps(arguments.get("options", {}), indent=1, ensure_ascii=False)
    return (
        f"<h3>{escape(str(journal.get('job', '')))}</h3>\n"
        f'<p class="quiet">{escape("; ".join(filter(None, told)))}</p>\n'
        f"<pre>{escape(_command(journal))}</pre>\n"
        f"<details><summary>all options</summary><pre>{escape(options)}</pre></details>\n"
        f"{_made_with(journal.get('manifest', {}))}"
    )


def _command(journal: Mapping[str, Any]) -> str:
    arguments = journal.get("arguments", {})
    options = arguments.get("options", {})
    environment = {
        "RAGLOOP_EMBEDDING_MODEL": arguments.get("embedding_model", ""),
        "RAGLOOP_LLM": arguments.get("llm", ""),
        "RAGLOOP_SEED": _option(options, ("data", "seed")),
    }
    set_to = [
        f"{name}={shlex.quote(str(value))}"
        for name, value in environment.items()
        if value not in ("", None)
    ]
    words = ["ragloop", str(journal.get("kind", "")), *_flags(options)]
    if filings := arguments.get("filings"):
        words += ["--filings", str(filings)]
    return f"{' '.join(set_to)} \\\n  {shlex.join(words)}" if set_to else shlex.join(words)


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    for place, flag in _NUMBERS:
        value = _option(options, place)
        if value is not None:
            yield from (flag, _told(value))
    for place, flag in _SET:
        value = _option(options, place)
        if value:
            yield flag
            if value is not True:
                yield _told(value)
    if _option(options, ("training", "texts_file")):
        yield from ("--format", _told(_option(options, ("training", "texts_format"))))
    if (_option(options, ("training", "processes")) or 1) > 1:
        yield from ("--processes", _told(_option(options, ("training", "processes"))))


def _option(options: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    """The option at a place, None where a job was made before there was such a one."""
    value: Any = options
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _told(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _made_with(manifest: Mapping[str, Any]) -> str:
    """Revision and versions that a model was trained with."""
    revision, platform = manifest.get("revision"), manifest.get("platform")
    versions = dict(manifest.get("versions") or {})
    told = {"revision": revision, "platform": platform, **versions}
    if not any(told.values()):
        return ""
    return f"<details><summary>trained with</summary>{_versions(told)}</details>\n"


def _versions(versions: Mapping[str, Any]) -> str:
    return facts((name, escape(str(version or ""))) for name, version in versions.items())


def _measurements(report: Report) -> Iterator[str]:
    for found in report.sets:
        if found.compared is None:
            continue
        before, after = found.compared.before, found.compared.after
        names = f"{shlex.quote(before.release)} {shlex.quote(after.release)}"
        split = f" --split {shlex.quote(found.split)}" if found.split != "test" else ""
        folder = f"DIR/{shlex.quote(found.question_set)}"
        if found.compared.promoted is not None:
            folder = f'"$RAGLOOP_HOME"/question_sets/{shlex.quote(found.question_set)}'
        yield f"ragloop compare {names} --dataset {folder}{split}"
