"""The dashboard, the alerts and the scraping ask for figures that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag_service.core.telemetry import METRICS

OPS = Path(__file__).parents[2] / "ops"
ALERTS = OPS / "prometheus" / "alerts.yml"
DASHBOARD = OPS / "grafana" / "dashboards" / "ragloop.json"
LABELS = {metric.name: set(metric.labels) for metric in METRICS} | {
    f"{metric.name}_{part}": {*metric.labels, *(["le"] if part == "bucket" else [])}
    for metric in METRICS
    if metric.kind == "histogram"
    for part in ("bucket", "sum", "count")
}


def _queries() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and the text that its labels are named in."""
    for rule in yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]:
        yield rule["expr"], " ".join(rule["annotations"].values()).replace("$labels.", "")
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"], annotation["titleFormat"]


@pytest.mark.parametrize(("query", "shown"), list(_queries()))
def test_a_query_asks_for_metrics_and_labels_that_there_are(query: str, shown: str) -> None:
    names = set(re.findall(r"\bragloop_\w+", query))
    if not names:
        assert query.startswith('up{job="ragloop"}')
        return
    assert names <= LABELS.keys()
    for name, selector in re.findall(r"\b(ragloop_\w+)\{([^}]*)\}", query):
        assert set(re.findall(r"(\w+)\s*[!=]~?\"", selector)) <= LABELS[name]
    known = set.intersection(*(LABELS[name] for name in names))
    for grouped in re.findall(r"\bby \(([^)]*)\)", query):
        assert {label.strip() for label in grouped.split(",")} <= known
    told = {label.strip() for label in re.findall(r"\{\{([^}]*)\}\}", shown)}
    assert told <= known


def test_every_metric_that_is_worth_keeping_is_shown() -> None:
    asked = " ".join(query for query, _ in _queries())
    assert [metric.name for metric in METRICS if metric.name not in asked] == []


def test_panels_do_not_lie_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (at["x"] + column, at["y"] + line)
            for column in range(at["w"])
            for line in range(at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_grafana_finds_what_it_is_given() -> None:
    sources = yaml.safe_load((OPS / "grafana/provisioning/datasources/prometheus.yml").read_text())
    uids = {source["uid"] for source in sources["datasources"]}
    board: dict[str, Any] = json.loads(DASHBOARD.read_text())
    used = {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel}
    assert used == uids
    scraped = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())
    assert scraped["rule_files"] == [ALERTS.name]
    assert [job["job_name"] for job in scraped["scrape_configs"]] == ["ragloop"]
