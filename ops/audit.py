"""Whether a pinned dependency has a known vulnerability, as pip-audit finds: for `make check`.

Ends with 1 if one has, unless vulnerabilities.toml beside this file says why it is accepted. Where
the data on vulnerabilities cannot be had this says `not audited`, and ends with 0: pip-audit alone
would report that none was found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("vulnerabilities.toml")
SECONDS = 60.0

Ask = Callable[[Sequence[str]], list[dict[str, Any]]]
"""What pip-audit knows of each requirement. Raises NotAudited."""


class NotAudited(Exception):
    """The data cannot be had; the message says why."""


def main() -> int:
    requirements = [
        line
        for name in sys.argv[1:]
        for line in Path(name).read_text().splitlines()
        if line and not line.startswith("#")
    ]
    accepted = tomllib.loads(ACCEPTED.read_text())["accepted"]
    try:
        status, lines = audit(requirements, accepted, ask_pip_audit)
    except NotAudited as reason:
        status, lines = 0, [f"not audited: {reason}"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return status


def audit(requirements: Sequence[str], accepted: dict[str, str], ask: Ask) -> tuple[int, list[str]]:
    """Exit status, and what to say. Raises NotAudited."""
    # One first: where there are no data, the others need not be asked for.
    if not _audited(ask(requirements[:1])):
        raise NotAudited("the package index knows nothing of vulnerabilities")
    found = ask(requirements)
    known = _audited(found)
    lines = [f"audited: {len(known)} of {len(found)} packages"]
    lines += [f"not audited: {package['name']}" for package in found if package not in known]
    status, met = 0, set()
    for package in known:
        for hole in package["vulns"]:
            names = [hole["id"], *hole.get("aliases", [])]
            what = f"{package['name']} {package['version']} has {' '.join(names)}"
            reason = next((accepted[name] for name in names if accepted.get(name)), "")
            met.update(names)
            if reason:
                lines.append(f"accepted: {what}: {reason}")
            else:
                status = 1
                fixed = ", ".join(hole.get("fix_versions", [])) or "no version"
                lines.append(
                    f"vulnerable: {what}, mended in {fixed}: raise it in constraints.txt, or say "
                    f"in {ACCEPTED.name} why it does no harm"
                )
    lines += [f"{name} is not found any more: take it out" for name in accepted.keys() - met]
    return status, lines


def ask_pip_audit(requirements: Sequence[str]) -> list[dict[str, Any]]:
    """Raises NotAudited if it gives no answer within SECONDS."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        try:
            done = subprocess.run(
                [*command, "--progress-spinner=off", "--format=json", "-r", file.name],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotAudited(f"no answer within {SECONDS:.0f} s") from error
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        said = [line for line in done.stderr.splitlines() if any(map(str.isalpha, line))]
        raise NotAudited(said[-1] if said else "pip-audit said nothing") from error
    return found


def _audited(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [package for package in found if "skip_reason" not in package]


if __name__ == "__main__":
    sys.exit(main())
