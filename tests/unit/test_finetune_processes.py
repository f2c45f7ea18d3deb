"""What a training in several processes says on its way."""

from __future__ import annotations

import pytest

from finetune.processes import _listen, _tells_of_a_loss

LINES = [
    "a library's word\n",
    '{"progress": ["training", 1, 2]}\n',
    '{"error": {"message": "no rows", "retryable": false}}\n',
    "3\n",
]


def test_progress_is_passed_on_and_other_lines_are_not() -> None:
    told: list[tuple[str, int, int]] = []
    assert _listen(LINES, lambda *step: told.append(step))["message"] == "no rows"
    assert told == [("training", 1, 2)]


def test_what_goes_wrong_where_progress_is_shown_is_not_swallowed() -> None:
    def broken(*_: object) -> None:
        raise ValueError("the bar is closed")

    with pytest.raises(ValueError, match="the bar is closed"):
        _listen(LINES, broken)


def test_what_fails_in_a_process_itself_is_not_taken_for_the_loss_of_another() -> None:
    from torch.distributed import DistBackendError, DistNetworkError

    lost = "[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:41"
    assert _tells_of_a_loss(RuntimeError(lost))
    assert _tells_of_a_loss(DistNetworkError("the store is gone"))
    assert not _tells_of_a_loss(DistBackendError("NCCL error: invalid usage"))
    assert not _tells_of_a_loss(RuntimeError("[gloo/device.cc:35] Unable to resolve hostname"))
    assert not _tells_of_a_loss(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
