"""Work on items in pools of Ray Data's actors: of a Ray of its own, or of a cluster."""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from rag_service.core.errors import ConfigError, RagloopError, ServiceUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

_STORE_BYTES = 512 * 2**20
"""Of a Ray of its own; what does not fit goes to its disk."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_AHEAD = 2
"""Items that an actor has at once: one that it works on, and one that waits for it."""
_CUTTERS = 8
"""Processors of encoding that one ``beside`` them keeps busy, about."""


class Stage(NamedTuple):
    """A step of the work.

    ``make`` is called in each actor, and gives what turns an item into the next stage's. Items,
    and ``make``, are pickled. ``pool``: in the actors that the work is for, of a GPU each where
    there are GPUs; ``beside``: in some that only feed those; ``here``: on this machine.
    """

    make: Callable[[], Callable[[Any], Any]]
    place: Literal["pool", "beside", "here"]


class RayCluster:
    """Started, or connected to, when it is first used; `close` ends that.

    Args:
        address: Of a cluster that this machine is a node of; empty: a Ray of this process alone.
        actors: In a pool; 0: one a GPU, or where there is none, one a processor.

    Raises:
        ConfigError: Ray is not installed, or the address is of no use.
    """

    def __init__(self, address: str = "", actors: int = 0) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ConfigError("the engine ray is not installed: pip install 'ragloop[ray]'")
        if "://" in address:
            raise ConfigError(
                f"RAGLOOP_RAY_ADDRESS={address}: join this machine to the cluster with `ray start "
                "--address=HOST:PORT`, and give HOST:PORT"
            )
        self._address = address
        self._actors = actors
        self._open = ExitStack()

    def share(self, value: T) -> Callable[[], T]:
        """What gives ``value`` in any actor, fetched there when it is called."""
        return partial(self._ray.get, self._ray.put(value))

    def map(
        self, stages: Sequence[Stage], items: Sequence[Any], *, ordered: bool = False
    ) -> Generator[Any, None, None]:
        """What the last stage makes of each item, as it comes or in the order of ``items``.

        What an actor or a node that died had in hand is done again by others. Raises what a stage
        raises of ours, and ServiceUnavailable if the cluster is lost.
        """
        if not items:
            return
        with self._errors():
            data = self._dataset(stages, items, ordered)
            for row in data.iter_rows():
                done = pickle.loads(row["item"])
                if isinstance(done, _Failure):
                    raise done.error
                yield done

    @property
    def has_gpus(self) -> bool:
        """Whether actors compute on GPUs."""
        return bool(self._ray.cluster_resources().get("GPU", 0))

    def close(self) -> None:
        self._open.close()

    @cached_property
    def _ray(self) -> Any:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        options: dict[str, Any] = {"address": self._address}
        if not self._address:
            folder = self._open.enter_context(
                TemporaryDirectory(prefix="ragloop-ray-", ignore_cleanup_errors=True)
            )
            options = {
                "address": "local",
                "num_cpus": max(self._actors, os.cpu_count() or 1),
                "object_store_memory": _STORE_BYTES,
                "include_dashboard": False,
                "_temp_dir": folder,
            }
        self._open.callback(ray.shutdown)
        try:
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            # Ray raises plain ones too, such as where a node is too slow to start.
            self.close()
            if self._address:
                raise ConfigError(
                    f"Ray {self._named} does not answer ({_first_line(error)}): set "
                    "RAGLOOP_RAY_ADDRESS to HOST:PORT of a cluster that this machine is a node "
                    "of, or unset it"
                ) from error
            raise ServiceUnavailable(f"Ray did not start: {_first_line(error)}") from error
        return ray

    @property
    def _named(self) -> str:
        return f"at {self._address}" if self._address else "on this machine"

    def _dataset(self, stages: Sequence[Stage], items: Sequence[Any], ordered: bool) -> Any:
        start = self._ray  # before its part for data is imported, which it tells where to log
        from ray import data as ray_data

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray_data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = ordered
        rows = [{"item": pickle.dumps(item)} for item in items]
        data = ray_data.from_items(rows, override_num_blocks=len(rows))
        for stage in stages:
            arguments = self._arguments(stage, start.cluster_resources(), len(rows))
            data = data.map_batches(
                _Actor,
                fn_constructor_args=(stage.make,),
                batch_size=1,
                batch_format="pyarrow",
                **arguments,
            )
        return data

    def _arguments(self, stage: Stage, there: dict[str, float], items: int) -> dict[str, Any]:
        """Where the actors of a stage run, and how many there are."""
        from ray.data import ActorPoolStrategy
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        cpus, gpus = max(1, int(there.get("CPU", 0))), int(there.get("GPU", 0))
        actors = min(self._actors or gpus or cpus, gpus or cpus)
        where: dict[str, Any]
        if stage.place == "pool" and gpus:
            where = {"num_cpus": 1, "num_gpus": 1}
        elif stage.place == "pool":
            # Those that are fewer than the processors share them, as far as a node has so many.
            there_are = (int(node["Resources"].get("CPU", 0)) for node in self._nodes())
            where = {"num_cpus": min([cpus // actors, *filter(None, there_are)])}
        elif stage.place == "beside":
            actors = max(1, cpus - gpus if gpus else cpus // _CUTTERS)
            where = {"num_cpus": 0, "scheduling_strategy": "SPREAD"}
        else:
            actors = 1
            this = self._ray.get_runtime_context().get_node_id()
            pinned = NodeAffinitySchedulingStrategy(this, soft=False)
            where = {"num_cpus": 0, "scheduling_strategy": pinned}
        pool = ActorPoolStrategy(
            size=max(1, min(actors, items)), max_tasks_in_flight_per_actor=_AHEAD
        )
        return {"compute": pool, **where}

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what Ray raises of itself into ours."""
        from ray.exceptions import RayError, RayTaskError

        try:
            yield
        except RayTaskError:
            raise  # of our own code: a bug
        except RayError as error:
            raise ServiceUnavailable(
                f"Ray {self._named} failed ({_first_line(error)}): the same command goes on where "
                "it was"
            ) from error


class _Failure(NamedTuple):
    """An error of ours, on its way to who asked."""

    error: RagloopError


class _Actor:
    """What a stage's ``make`` gives, on items in tables of one column."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self._work: Callable[[Any], Any] | _Failure
        try:
            self._work = make()
        except RagloopError as error:
            self._work = _Failure(error)

    def __call__(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        made = [pickle.dumps(self._done(pickle.loads(item.as_py()))) for item in table["item"]]
        return pa.table({"item": pa.array(made, pa.binary())})

    def _done(self, item: Any) -> Any:
        if isinstance(item, _Failure):
            return item
        if isinstance(self._work, _Failure):
            return self._work
        try:
            return self._work(item)
        except RagloopError as error:
            return _Failure(error)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
