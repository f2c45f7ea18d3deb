"""The journal: what is done stays done, and what failed says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_service.core.errors import ConfigError, JobRunning, StoreUnavailable
from rag_service.loop.jobs import JobStore, WorkerSlot


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path)


def test_a_killed_job_is_resumed_and_its_finished_steps_are_not_run_again(jobs: JobStore) -> None:
    ran: list[str] = []

    def work(name: str) -> str:
        ran.append(name)
        return f"{name} done"

    with pytest.raises(KeyboardInterrupt), jobs.run("improve", {"a": 1}) as killed:  # noqa: PT012
        killed.step("one", lambda: work("one"))
        raise KeyboardInterrupt
    with jobs.run("improve", {"a": 1}) as resumed:
        assert resumed.id == killed.id
        assert resumed.step("one", lambda: work("one")) == "one done"
        assert resumed.step("two", lambda: work("two")) == "two done"

    assert ran == ["one", "two"]
    assert list(resumed.seconds) == ["one", "two"]


def test_other_arguments_or_a_finished_job_make_a_new_one(jobs: JobStore) -> None:
    with pytest.raises(KeyboardInterrupt), jobs.run("improve", {"a": 1}) as first:
        raise KeyboardInterrupt
    with jobs.run("improve", {"a": 2}) as other:
        pass
    with jobs.run("improve", {"a": 1}) as same:
        pass
    with jobs.run("improve", {"a": 1}) as after_the_end:
        pass

    assert same.id == first.id
    assert len({first.id, other.id, after_the_end.id}) == 3


def test_an_error_ends_a_job_with_its_reason_unless_it_may_mend_by_itself(jobs: JobStore) -> None:
    with pytest.raises(ConfigError), jobs.run("improve", {}):
        raise ConfigError("no such model")
    with pytest.raises(StoreUnavailable), jobs.run("finetune", {}):
        raise StoreUnavailable("Redis is away")

    failed, waiting = sorted(jobs.all(), key=lambda journal: str(journal["state"]))
    assert (failed["state"], failed["reason"]) == ("failed", "no such model")
    assert waiting["state"] == "running"


def test_arguments_are_the_same_when_json_turned_their_tuples_into_lists(jobs: JobStore) -> None:
    with pytest.raises(KeyboardInterrupt), jobs.run("improve", {"dims": (64, 32)}) as killed:
        raise KeyboardInterrupt
    with jobs.run("improve", {"dims": (64, 32)}) as resumed:
        assert resumed.id == killed.id


def test_two_jobs_of_one_home_do_not_run_at_once(jobs: JobStore, tmp_path: Path) -> None:
    with (
        jobs.run("improve", {}),
        pytest.raises(JobRunning, match="another job"),
        JobStore(tmp_path).run("finetune", {}),
    ):
        pass


def test_processes_that_may_share_a_job_share_its_journal(jobs: JobStore, tmp_path: Path) -> None:
    with jobs.run("reindex", {"a": 1}, alone=False) as first:
        first.step("release", lambda: "r0002")
        with JobStore(tmp_path).run("reindex", {"a": 1}, alone=False) as second:
            assert second.id == first.id
            assert second.step("release", lambda: "r0003") == "r0002"
        with JobStore(tmp_path).run("improve", {}):
            pass
    assert [journal["state"] for journal in jobs.all()] == ["done", "done"]


def test_a_step_whose_result_is_gone_runs_again(jobs: JobStore) -> None:
    with jobs.run("reindex", {}) as job:
        job.step("release", lambda: "r0002")
        job.again("release")
        assert job.step("release", lambda: "r0003") == "r0003"


def test_a_worker_has_a_name_of_its_own_which_the_next_one_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = WorkerSlot(tmp_path), WorkerSlot(tmp_path)
    elsewhere = WorkerSlot(tmp_path / "elsewhere")
    assert len({first.name, second.name, elsewhere.name}) == 3
    name = first.name
    first.close()
    monkeypatch.setattr(Path, "resolve", lambda path: Path("/home/as/on/any/machine"))
    alike = WorkerSlot(tmp_path / "of another machine of the same name")
    assert alike.name != name
    alike.close()
    third = WorkerSlot(tmp_path)
    assert third.name == name
    for slot in (second, third, elsewhere):
        slot.close()


def test_a_home_keeps_its_name_and_no_other_has_it(tmp_path: Path) -> None:
    names = []
    for home in ("one", "one", "other"):
        with JobStore(tmp_path / home).working_off(lambda: None) as name:
            names.append(name)
    assert names[0] == names[1] != names[2]
    assert str(tmp_path / "one") in names[0]


def test_a_half_written_journal_is_never_seen(jobs: JobStore, tmp_path: Path) -> None:
    with jobs.run("improve", {}) as job:
        job.step("one", lambda: {"n": 1})
        (job.folder / ".journal.json.0123abcd").write_text('{"half":')

    assert [journal["state"] for journal in jobs.all()] == ["done"]
    assert json.loads((job.folder / "journal.json").read_text())["steps"]["one"]["result"] == {
        "n": 1
    }
