"""Live experiments in Redis, what was shown in them and what was credited."""

from __future__ import annotations

from dataclasses import replace

import redis
from redis.client import Pipeline

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_codec import (
    dump_experiment,
    dump_impression,
    load_experiment,
    load_impression,
)
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import InvalidRequest, ReleaseConflict
from rag_service.core.types import Arm, ArmTally, Experiment, Impression, Tally

_CREDIT = """
local experiment, credited, tally = unpack(KEYS)
local name, unit, outcome = unpack(ARGV)
local running = redis.call('GET', experiment)
if not running or cjson.decode(running).experiment ~= name then return 0 end
if redis.call('SADD', credited, unit) == 0 then return 0 end
redis.call('HINCRBY', tally, outcome, 1)
return 1
"""


class RedisExperimentStore:
    """The protocol ``ExperimentStore`` on one namespace of a Redis."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._credit = client.register_script(_CREDIT)

    @store_errors()
    def start(self, experiment: Experiment) -> None:
        def change(pipe: Pipeline) -> None:
            if running := self.running():
                raise InvalidRequest(f"experiment {running.experiment} runs: one at a time")
            live = self._client.get(self._keys.live)
            if live != experiment.a:
                raise ReleaseConflict(f"release {live!s} is live, not {experiment.a}: try again")
            pipe.multi()
            pipe.set(self._keys.experiment, dump_experiment(experiment))

        self._client.transaction(change, self._keys.experiment, self._keys.live)

    @store_errors()
    def running(self) -> Experiment | None:
        stored = self._client.get(self._keys.experiment)
        return None if stored is None else load_experiment(stored)

    @store_errors()
    def end(self, experiment: str, ended: str, reason: str) -> bool:
        def change(pipe: Pipeline) -> None:
            running = self.running()
            pipe.multi()
            if running is not None and running.experiment == experiment:
                over = replace(running, ended=ended, reason=reason)
                pipe.delete(self._keys.experiment)
                pipe.unlink(self._keys.credited(experiment))
                pipe.hset(self._keys.experiments, experiment, dump_experiment(over))

        return bool(self._client.transaction(change, self._keys.experiment))

    @store_errors()
    def all(self) -> list[Experiment]:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hvals(self._keys.experiments)
            pipe.get(self._keys.experiment)
            ended, running = pipe.execute()
        stored = ended if running is None else [*ended, running]
        return sorted(map(load_experiment, stored), key=lambda e: (e.started, e.experiment))

    @store_errors()
    def show(self, impression: Impression, seconds: float) -> None:
        arms = [impression.arm] if impression.arm else ["a", "b"]
        tally = self._keys.tally(impression.experiment.experiment)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.set(
                self._keys.impression(impression.request_id),
                dump_impression(impression),
                px=max(1, round(seconds * 1000)),
            )
            for arm in arms:
                pipe.hincrby(tally, f"requests:{arm}")
            pipe.execute()

    @store_errors()
    def shown(self, request_id: str) -> Impression | None:
        stored = self._client.get(self._keys.impression(request_id))
        return None if stored is None else load_impression(stored)

    @store_errors()
    def credit(self, experiment: str, unit: str, arm: Arm, *, good: bool) -> bool:
        keys = self._keys
        return bool(
            self._credit(
                keys=[keys.experiment, keys.credited(experiment), keys.tally(experiment)],
                args=[experiment, unit, f"{'good' if good else 'bad'}:{arm}"],
            )
        )

    @store_errors()
    def tally(self, experiment: str) -> Tally:
        counts = self._client.hgetall(self._keys.tally(experiment))

        def of(arm: Arm) -> ArmTally:
            kinds = ("requests", "good", "bad")
            return ArmTally(*(int(counts.get(f"{kind}:{arm}", 0)) for kind in kinds))

        return Tally(of("a"), of("b"))
