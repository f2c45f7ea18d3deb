"""The dependency audit of `make check`, on what pip-audit would say."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from ops.audit import NotAudited, ask_pip_audit, audit

HOLE = {"id": "PYSEC-2024-1", "aliases": ["CVE-2024-1", "GHSA-x"], "fix_versions": ["2.0"]}


def answering(**holes: list[dict[str, Any]] | None) -> Any:
    """Knows the holes of each package; None: it does not know the package."""

    def ask(requirements: Sequence[str]) -> list[dict[str, Any]]:
        names = [requirement.partition("==")[0] for requirement in requirements]
        return [
            {"name": name, "skip_reason": "not found"}
            if holes[name] is None
            else {"name": name, "version": "1.0", "vulns": holes[name]}
            for name in names
        ]

    return ask


REQUIREMENTS = ["a==1.0", "b==1.0"]


def test_none_is_found() -> None:
    assert audit(REQUIREMENTS, {}, answering(a=[], b=[])) == (0, ["audited: 2 of 2 packages"])


def test_one_that_nobody_accepted_fails() -> None:
    status, [_, said] = audit(REQUIREMENTS, {}, answering(a=[], b=[HOLE]))
    assert status == 1
    assert said.startswith("vulnerable: b 1.0 has PYSEC-2024-1 CVE-2024-1 GHSA-x, mended in 2.0")


@pytest.mark.parametrize("name", ["PYSEC-2024-1", "CVE-2024-1"])
def test_one_that_is_accepted_by_any_of_its_names_passes(name: str) -> None:
    accepted = {name: "we never call that"}
    status, [_, said] = audit(REQUIREMENTS, accepted, answering(a=[], b=[HOLE]))
    assert (status, said.endswith("we never call that")) == (0, True)


def test_nothing_is_accepted_without_a_reason_or_kept_without_need() -> None:
    status, lines = audit(
        REQUIREMENTS, {"CVE-2024-1": "", "CVE-1": "old"}, answering(a=[], b=[HOLE])
    )
    assert status == 1
    assert lines[-1] == "CVE-1 is not found any more: take it out"


def test_a_package_that_the_index_does_not_know_is_named() -> None:
    status, lines = audit(REQUIREMENTS, {}, answering(a=[], b=None))
    assert (status, lines) == (0, ["audited: 1 of 2 packages", "not audited: b"])


def test_without_data_nothing_is_called_audited_and_one_question_is_enough() -> None:
    asked: list[int] = []

    def ask(requirements: Sequence[str]) -> list[dict[str, Any]]:
        asked.append(len(requirements))
        return list(answering(a=None, b=None)(requirements))

    with pytest.raises(NotAudited, match="knows nothing"):
        audit(REQUIREMENTS, {}, ask)
    assert asked == [1]


@pytest.mark.parametrize(
    ("stdout", "stderr", "says"),
    [
        ("", "Traceback\nConnectionError: no route to host\n   ^\n", "no route to host"),
        ("{}", "", "said nothing"),
    ],
)
def test_an_answer_that_is_none_is_not_audited(
    monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str, says: str
) -> None:
    done = subprocess.CompletedProcess([], 1, stdout, stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(NotAudited, match=says):
        ask_pip_audit(REQUIREMENTS)


def test_an_answer_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip_audit", timeout)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(NotAudited, match="no answer within 60 s"):
        ask_pip_audit(REQUIREMENTS)
