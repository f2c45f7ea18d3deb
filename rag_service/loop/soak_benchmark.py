"""Half an hour of everything at once: whether a service stays up, and its memory where it was."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ingest.read import find_files
from rag_service.core.errors import IngestError, RagloopError
from rag_service.core.protocols import ChunkStore, Progress, no_progress
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.own_home import OwnHome, distinct_questions, free_port, wait_for_all
from rag_service.loop.search_traffic import SearchTraffic
from rag_service.loop.soak_requests import Mix, Request, posted, removed, uploaded
from rag_service.loop.soak_samples import Sampler, died, summary
from rag_service.loop.soak_traffic import MixedTraffic, Seen, by_kind

_WARM_SECONDS = 300.0
"""Or a quarter of the time, if that is less."""
_EVERY = 10.0
"""Seconds between two samples."""
_UPLOAD_SECONDS = 30.0
"""From an upload's end to its removal, and from that to the next upload."""
_SWAP_SECONDS = 30.0
"""Between two moves of the live release."""
_LOOK_SECONDS = 1.0
_END_SECONDS = 900.0
"""Longest time that a job which runs when the time is over has to end."""
_RESTING = 3
"""Samples after the last job: one may have begun beside it."""
_RETRIES = 3
_COMING_AND_GOING = 16
"""Descriptors of requests that are under way."""
_MOST_TOLD = 200
_ROTATING = 2
_SETTINGS = {"RAGLOOP_ANSWER_CACHE_SECONDS": "300"}
"""Answers are made anew all the time, and the kept ones are at their bound when it is warm."""
_IMPROVEMENT = {"questions": 60, "llm_questions": 0, "epochs": 1}


class SoakBenchmark:
    """Runs in a home of its own. ``used_memory`` is what Redis says of itself, in bytes."""

    def __init__(
        self,
        own: OwnHome,
        chunks: ChunkStore,
        ingestion: Ingestion,
        used_memory: Callable[[], int],
    ) -> None:
        self._own = own
        self._chunks = chunks
        self._ingestion = ingestion
        self._used_memory = used_memory

    def run(
        self,
        paths: Sequence[Path],
        *,
        minutes: float,
        clients: int,
        pause: float,
        processes: int,
        llm: str,
        growth: float,
        seed: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """What was asked and answered, what the processes held, and the ``faults`` in that.

        Two of the files are uploaded and removed again and again; the others stay. ``growth`` is
        the most that memory may grow once it is warm, in per cent.

        Raises IngestError if there are too few files, RagloopError if the service does not start.
        """
        *staying, one, other = self._files(paths)
        self._ingestion.run(staying, progress)
        chunks = list(self._chunks.chunks())
        if not chunks:
            raise IngestError("none of the files could be read", reason="nothing_read")
        questions = distinct_questions(self._chunks, seed)
        port = free_port()
        with ExitStack() as stack:
            settings = {**_SETTINGS, "RAGLOOP_LLM": llm}
            service = stack.enter_context(self._own.service(port, processes, settings, worker=True))
            # Clients that keep their connection, beside those that do not.
            searches = SearchTraffic(port, questions, max(1, clients // 2), pause, reuse=True)
            stack.enter_context(searches)
            serving = wait_for_all(port, processes)
            script = _Script(port, minutes * 60)
            mix = Mix(questions, chunks, script.releases, seed)
            traffic = script.traffic = stack.enter_context(
                MixedTraffic(port, iter(mix), clients, pause)
            )
            sampler = Sampler(
                service, serving, self._own.path, self._used_memory, script.busy, _EVERY
            )
            with sampler:
                script.play([one, other], progress)
                # All jobs are over, and requests go on: memory is compared without jobs.
                sampler.wait_for(_RESTING, _END_SECONDS)
            jobs = script.jobs()
        began = script.began
        searched = [
            Seen("search", r.began, r.ended, r.status, r.failure) for r in searches.since(began)
        ]
        seen = [*searched, *traffic.seen]
        warm = min(_WARM_SECONDS, minutes * 60 / 4)
        report: dict[str, Any] = {
            "minutes": minutes,
            "clients": clients,
            "pause": pause,
            "processes": processes,
            "llm": llm,
            "documents": len(self._chunks.documents()),
            "chunks": len(chunks),
            "seconds": round(time.perf_counter() - began, 1),
            "warm_seconds": warm,
            "total": len(seen),
            "requests": by_kind(seen),
            "server_errors": sum(one.is_server_error for one in seen),
            "failed_connections": sum(not one.status for one in seen),
            "unexpected": sum(bool(one.wrong) for one in seen),
            "wrong": [
                {
                    "at": round(one.began - began, 1),
                    "kind": one.kind,
                    "status": one.status,
                    "said": one.wrong,
                }
                for one in seen
                if one.wrong
            ][:_MOST_TOLD],
            "moves": script.moves,
            "jobs": _ends_of(jobs),
            "improvement": script.improvement,
            "held": summary(sampler.samples, warm),
            "held_beside_jobs": summary(sampler.samples, warm, busy=True),
            "died": died(sampler.samples),
            "most_in_jobs_mb": max(
                (s.held["jobs"].memory / 1e6 for s in sampler.samples if "jobs" in s.held),
                default=0.0,
            ),
            "load": round(os.getloadavg()[0], 1),
            "samples": [sample.as_dict() for sample in sampler.samples],
        }
        return report | {"faults": [*script.faults, *faults(report, growth)]}

    def _files(self, paths: Sequence[Path]) -> list[Path]:
        files = find_files(list(paths) or [self._own.samples()])
        if len(files) <= _ROTATING:
            raise IngestError(
                f"give more than {_ROTATING} files: so many are uploaded and removed all the time",
                reason="nothing_read",
            )
        return files


class _Script:
    """What happens once, or in turn: uploads and removals, an improvement, swaps."""

    traffic: MixedTraffic

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._over = threading.Event()
        self._live = ""
        self._other = ""
        self.began = time.perf_counter()
        self.moves: list[dict[str, Any]] = []
        self.improvement: dict[str, Any] = {}
        self.faults: list[str] = []

    def play(self, files: Sequence[Path], progress: Progress) -> None:
        """For the time that it has, and until what has begun is over."""
        self._see_releases()
        acts = [
            threading.Thread(target=self._act, args=(act, files), daemon=True)
            for act in (self._upload_and_remove, self._improve)
        ]
        for act in acts:
            act.start()
        while (gone := time.perf_counter() - self.began) < self._seconds:
            progress("soak", int(gone), int(self._seconds))
            time.sleep(min(_LOOK_SECONDS, self._seconds - gone))
        self._over.set()
        for act in acts:
            act.join(_END_SECONDS)
            if act.is_alive():
                self.faults.append(f"a job did not end in {_END_SECONDS:.0f} s more")
        progress("soak", int(self._seconds), int(self._seconds))

    def releases(self) -> tuple[str, str]:
        """The live one, and another if there is."""
        return self._live, self._other or self._live

    def busy(self) -> bool:
        """Whether a job is queued or runs."""
        return any(job["state"] in ("queued", "running") for job in self.jobs())

    def jobs(self) -> list[dict[str, Any]]:
        """Those that are kept, as the service tells of them; none if it does not."""
        try:
            found = self.traffic.document(Request("jobs", "GET", "/v1/jobs"))
        except RagloopError:
            return []  # noted with the requests
        listed: list[dict[str, Any]] = found["jobs"]
        return listed

    def _act(self, act: Callable[[Sequence[Path]], None], files: Sequence[Path]) -> None:
        try:
            act(files)
        except RagloopError as error:
            self.faults.append(error.message)

    def _upload_and_remove(self, files: Sequence[Path]) -> None:
        number = 0
        while not self._over.is_set():
            file = files[number % len(files)]
            number += 1
            sent = self.traffic.document(uploaded("upload", file.name, file.read_bytes()))
            self._ended(sent["job"]["job"])
            self._over.wait(_UPLOAD_SECONDS)
            while self.traffic.send(removed("removal", file))[0].status == 409:
                time.sleep(_LOOK_SECONDS)
            self._over.wait(_UPLOAD_SECONDS)

    def _improve(self, _files: Sequence[Path]) -> None:
        self._over.wait(self._seconds / 12)
        job = {"kind": "improve", "arguments": _IMPROVEMENT}
        sent = self.traffic.document(posted("job", "/v1/jobs", job, expected=frozenset({202})))
        self._note("improvement begins")
        name = sent["job"]
        self.traffic.send(Request("job events", "GET", f"/v1/jobs/{name}/events"))
        done = self._ended(name)
        for _ in range(_RETRIES):
            if done["state"] == "done":
                break
            # Filings that go while it measures are told as a conflict: it is to be tried again.
            self._note(f"improvement is {done['state']}: {done['reason']}")
            retry = f"/v1/jobs/{name}/retry"
            self.traffic.document(Request("job retry", "POST", retry))
            done = self._ended(name)
        self._note(f"improvement is {done['state']}")
        self.improvement = {key: done[key] for key in ("state", "reason", "started", "ended")}
        if done["state"] != "done":
            self.faults.append(f"the improvement is {done['state']}: {done['reason']}")
            return
        result = done["result"]
        self.improvement |= {key: result[key] for key in ("gate", "seconds")}
        old, candidate = self._live, result["releases"]["after"]
        self._other = candidate
        promote = f"/v1/releases/{candidate}/promote"
        promoted = self._see_releases() == candidate
        for path in (*(() if promoted else (promote,)), "/v1/releases/rollback", promote):
            self._over.wait(_SWAP_SECONDS)
            self._move(path)
        self._other = old

    def _move(self, path: str) -> None:
        name = path.rpartition("/")[2]
        body = {"force": True} if name == "promote" else {}
        moved = self.traffic.document(posted(name, path, body))
        self._note(f"{name}: {moved['release']} is live")
        self._see_releases()

    def _ended(self, job: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.traffic.document(Request("job", "GET", f"/v1/jobs/{job}"))
            if found["state"] not in ("queued", "running"):
                return found
            time.sleep(_LOOK_SECONDS)

    def _see_releases(self) -> str:
        listed = self.traffic.document(Request("releases", "GET", "/v1/releases"))
        self._live = str(listed["live"])
        return self._live

    def _note(self, what: str) -> None:
        self.moves.append({"at": round(time.perf_counter() - self.began, 1), "what": what})


def _ends_of(jobs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for job in jobs:
        ends[job["kind"]][job["state"]] += 1
    return {kind: dict(counted) for kind, counted in ends.items()}


def faults(report: Mapping[str, Any], growth: float) -> list[str]:
    """What is wrong with what a soak has found; memory may grow by ``growth`` per cent."""
    found = []
    if report["unexpected"]:
        found.append(
            f"{report['unexpected']} requests did not end as expected, of these "
            f"{report['server_errors']} in errors of the service, and "
            f"{report['failed_connections']} in failed connections"
        )
    for kind, ends in report["jobs"].items():
        for state, count in ends.items():
            if state != "done":
                found.append(f"{count} jobs of the kind {kind} are {state}")
    if not report["held"]:
        found.append("there are no two samples without a job: memory cannot be compared")
    for name, held in report["held"].items():
        if held["growth_percent"] > growth:
            found.append(f"memory of {name} grew by {held['growth_percent']:.1f} %")
        for what in ("descriptors", "threads"):
            ends = held.get(what)
            if ends and ends["last"] > ends["first"] + _COMING_AND_GOING:
                found.append(
                    f"{what} of {name}: {ends['first']:.0f} first, {ends['last']:.0f} last"
                )
    return found + [f"{name} died" for name in report["died"]]
