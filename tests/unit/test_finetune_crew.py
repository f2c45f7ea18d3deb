"""What the processes that torchrun started say to one another."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]

from finetune import crew
from rag_service.core.errors import ConfigError, ModelError


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> HashStore:
    """Of two processes, of which this one is the second."""
    store = HashStore()
    monkeypatch.setattr(crew, "_store", lambda: store)
    monkeypatch.setattr(crew, "_LOOKS", 0.01)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    return store


def test_the_others_train_where_the_first_calls_them(store: HashStore, tmp_path: Path) -> None:
    trained: list[Path] = []
    statuses: list[int] = []
    other = threading.Thread(target=lambda: statuses.append(crew.follow(trained.append)))
    with crew.leading():
        other.start()
        crew.call(tmp_path)
    other.join(10)
    assert (trained, statuses) == ([tmp_path], [0])


def _not_called(folder: Path) -> None:
    raise AssertionError(f"nothing is trained in {folder}")


def test_without_a_training_they_end_as_the_first_does(
    store: HashStore, capsys: pytest.CaptureFixture[str]
) -> None:
    for status in (0, 1):
        with pytest.raises(SystemExit), crew.leading():
            raise SystemExit(status)
        assert crew.follow(_not_called) == status
        store.delete_key("folder")
    assert "process 1 of 2: the first process failed" in capsys.readouterr().err


def test_a_first_process_that_shows_no_life_is_given_up(
    store: HashStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crew, "_SILENCE", 0.1)
    assert crew.follow(_not_called) == 1
    assert "has shown no life" in capsys.readouterr().err


def test_one_that_lives_is_waited_for(
    store: HashStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(crew, "_SILENCE", 0.5)
    monkeypatch.setattr(crew, "_BEATS", 0.05)
    statuses: list[int] = []
    other = threading.Thread(target=lambda: statuses.append(crew.follow(lambda folder: None)))
    with crew.leading():
        other.start()
        other.join(1.2)
        assert not statuses
    other.join(10)
    assert statuses == [0]


def test_a_machine_that_does_not_see_the_folder_is_named(
    store: HashStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(crew, "_TOLD", 0.0)
    other = threading.Thread(target=crew.follow, args=(pytest.fail,))
    other.start()
    with pytest.raises(ModelError, match=r"process 1 of 2 does not see .*RAGLOOP_HOME must"):
        crew.call(tmp_path / "elsewhere")
    other.join(10)


def test_processes_that_do_not_come_are_not_waited_for_without_end(
    store: HashStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(crew, "_ANSWERS", 0.1)
    with pytest.raises(ModelError, match="1 of 2 processes did not come"):
        crew.call(tmp_path)


def test_torchrun_says_how_many_train(store: HashStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert crew.processes(0) == crew.processes(2) == 2
    with pytest.raises(ConfigError, match="torchrun started 2 processes"):
        crew.processes(3)
    monkeypatch.delenv("WORLD_SIZE")
    assert crew.processes(0) == 0
    assert crew.processes(3) == 3
