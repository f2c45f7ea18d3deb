"""Releases in Redis, and the pointer to the live one."""

from __future__ import annotations

import logging

import redis
from redis.client import Pipeline

from rag_service.adapters.redis_client import store_errors
from rag_service.adapters.redis_codec import dump_release, load_release
from rag_service.adapters.redis_keys import Keys
from rag_service.core.errors import InvalidRequest, NotFound, ReleaseConflict, StoreError
from rag_service.core.types import Release, ReleaseState

_MAY_SWAP = """
local live, history, releases, states, revision = unpack(KEYS)
local expected, new, at_revision, rollback, alias, namespace = unpack(ARGV)

local current = redis.call('GET', live) or ''
if current ~= expected then return {'live', current} end
local now = redis.call('GET', revision) or '0'
if now ~= at_revision then return {'revision', now} end
local state = redis.call('HGET', states, new)
if not state then return {'unknown', ''} end
if state ~= 'candidate' and state ~= 'retired' then return {'state', state} end
local target = redis.call('LINDEX', history, 0) or ''
if rollback == '1' and target ~= new then return {'target', target} end
"""

_MOVE_ALIAS = """
local index = cjson.decode(redis.call('HGET', releases, new)).index
redis.call('FT.ALIASUPDATE', alias, namespace .. ':' .. index)
"""

_MOVE_POINTER = """
redis.call('SET', live, new)
redis.call('HSET', states, new, 'live')
redis.call('LREM', history, 0, new)
if expected ~= '' then
  redis.call('HSET', states, expected, 'retired')
  if rollback ~= '1' then redis.call('LPUSH', history, expected) end
end
return {'done', ''}
"""

# A script is carried out alone, but what it wrote before an error stays: the one command that can
# fail, FT.ALIASUPDATE, is the first that writes.
_SWAP = _MAY_SWAP + _MOVE_ALIAS + _MOVE_POINTER

# Over slots the query engine is many servers, which no script moves: the pointer alone decides.
_SWAP_POINTER = _MAY_SWAP + _MOVE_POINTER

# What follows looks at the users of a release and acts in one step: a release is noted as used, or
# it is deleted.
_CLEAR_EXPIRED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
"""

_USE = (
    _CLEAR_EXPIRED
    + """
local users, releases = unpack(KEYS)
local release, user, lasts = unpack(ARGV)
if redis.call('HEXISTS', releases, release) == 0 then return 0 end
redis.call('ZADD', users, 'GT', now + lasts, user)
if redis.call('PTTL', users) < tonumber(lasts) then redis.call('PEXPIRE', users, lasts) end
return 1
"""
)

_USERS = _CLEAR_EXPIRED + "return redis.call('ZRANGE', KEYS[1], 0, -1)"

_DELETE = (
    _CLEAR_EXPIRED
    + """
local users, live, releases, states, history = unpack(KEYS)
local release = ARGV[1]
if redis.call('HEXISTS', releases, release) == 0 then return {'unknown', ''} end
if redis.call('GET', live) == release then return {'live', ''} end
local using = redis.call('ZRANGE', users, 0, -1)
if #using > 0 then return {'used', table.concat(using, ', ')} end
redis.call('HDEL', releases, release)
redis.call('HDEL', states, release)
redis.call('LREM', history, 0, release)
return {'done', ''}
"""
)

_CURRENT = """
local live = redis.call('GET', KEYS[1])
if not live then return false end
return redis.call('HGET', KEYS[2], live)
"""

log = logging.getLogger(__name__)


class RedisReleaseStore:
    """The protocol ``ReleaseStore`` on one namespace of a Redis.

    Over slots the alias follows the pointer: `follow` moves it, after each swap and wherever a
    home is opened, so that whoever comes next mends what a crash between the two left behind.
    """

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._keys = Keys(namespace)
        self._swap = client.register_script(_SWAP_POINTER if self._keys.spread else _SWAP)
        self._use = client.register_script(_USE)
        self._users = client.register_script(_USERS)
        self._delete = client.register_script(_DELETE)
        self._current = client.register_script(_CURRENT)

    @store_errors()
    def new_name(self) -> str:
        return f"r{self._client.incr(self._keys.release_counter):04d}"

    @store_errors()
    def put(self, release: Release) -> None:
        def change(pipe: Pipeline) -> None:
            self._check_not_moved(release.release, release.state)
            pipe.multi()
            pipe.hset(self._keys.releases, release.release, dump_release(release))
            pipe.hset(self._keys.states, release.release, release.state)

        self._client.transaction(change, self._keys.live)

    @store_errors()
    def mark(self, release: str, state: ReleaseState) -> None:
        def change(pipe: Pipeline) -> None:
            self._check_known(release)
            self._check_not_moved(release, state)
            pipe.multi()
            pipe.hset(self._keys.states, release, state)

        self._client.transaction(change, self._keys.live, self._keys.releases)

    @store_errors()
    def get(self, release: str) -> Release:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hget(self._keys.releases, release)
            pipe.hget(self._keys.states, release)
            stored, state = pipe.execute()
        if stored is None:
            raise self._unknown(release)
        return load_release(stored, state)

    @store_errors()
    def all(self) -> list[Release]:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._keys.releases)
            pipe.hgetall(self._keys.states)
            stored, states = pipe.execute()
        releases = [load_release(text, states[name]) for name, text in stored.items()]
        return sorted(releases, key=lambda r: (r.created, len(r.release), r.release))

    @store_errors()
    def delete(self, release: str) -> None:
        keys = self._keys
        outcome, users = self._delete(
            keys=[keys.users(release), keys.live, keys.releases, keys.states, keys.history],
            args=[release],
        )
        if outcome == "unknown":
            raise self._unknown(release)
        if outcome == "live":
            raise InvalidRequest(f"release {release} is live: promote another one before")
        if outcome == "used":
            raise ReleaseConflict(
                f"release {release} is in use by {users}: try again when they are done"
            )

    @store_errors()
    def use(self, release: str, user: str, seconds: float) -> None:
        lasts = max(1, round(seconds * 1000))
        keys = [self._keys.users(release), self._keys.releases]
        if not self._use(keys=keys, args=[release, user, lasts]):
            raise self._unknown(release)

    @store_errors()
    def leave(self, release: str, user: str) -> None:
        self._client.zrem(self._keys.users(release), user)

    @store_errors()
    def users(self, release: str) -> set[str]:
        return set(self._users(keys=[self._keys.users(release)]))

    @store_errors()
    def current(self) -> Release | None:
        stored = self._current(keys=[self._keys.live, self._keys.releases])
        return None if stored is None else load_release(stored, "live")

    @store_errors()
    def previous(self) -> Release | None:
        name = self._client.lindex(self._keys.history, 0)
        return None if name is None else self.get(str(name))

    @store_errors()
    def swap(
        self, expected: str | None, new: str, revision: int, *, rollback: bool = False
    ) -> None:
        keys = self._keys
        if keys.spread:
            self._check_index(new)
        outcome, found = self._swap(
            keys=[keys.live, keys.history, keys.releases, keys.states, keys.revision],
            args=[expected or "", new, revision, int(rollback), keys.alias, keys.namespace],
        )
        if outcome == "live":
            raise ReleaseConflict(f"release {found or None} is live, not {expected}: try again")
        if outcome == "revision":
            raise ReleaseConflict(
                f"documents changed while release {new} was made ready (revision {found}, "
                f"expected {revision}): bring it up to date and try again"
            )
        if outcome == "target":
            raise ReleaseConflict(f"a rollback brings back {found or None}, not {new}: try again")
        if outcome == "unknown":
            raise self._unknown(new)
        if outcome == "state":
            raise InvalidRequest(
                f"release {new} is {found}: only a candidate or a retired release can go live"
            )
        self.follow()

    def follow(self) -> None:
        """Have the alias name the live release's index, where a swap does not see to it.

        Nothing of ours reads it there. Whoever moves it looks at the pointer once more: so of
        several at once the last one leaves it right, also if what it wrote was late.
        """
        if not self._keys.spread:
            return
        moved_to = None
        try:
            while (live := self.current()) is not None and live.release != moved_to:
                with store_errors():
                    index = self._client.ft(self._keys.physical(live.index))
                    index.aliasupdate(self._keys.alias)
                moved_to = live.release
        except StoreError as error:
            log.warning("the alias %s is behind the live release: %s", self._keys.alias, error)

    def _check_index(self, release: str) -> None:
        """What a script that moves the alias would find out. Raises IndexMissing."""
        stored = self._client.hget(self._keys.releases, release)
        if stored is not None:
            index = load_release(stored, "candidate").index
            self._client.ft(self._keys.physical(index)).info()  # type: ignore[no-untyped-call]

    def _check_known(self, release: str) -> None:
        if not self._client.hexists(self._keys.releases, release):
            raise self._unknown(release)

    def _unknown(self, release: str) -> NotFound:
        known = ", ".join(r.release for r in self.all()) or "none"
        return NotFound(f"there is no release {release}; there are: {known}")

    def _check_not_moved(self, release: str, state: ReleaseState) -> None:
        """``swap`` alone makes a release live or retires it: other writers must have seen that."""
        is_live = self._client.get(self._keys.live) == release
        if is_live != (state == "live"):
            raise ReleaseConflict(
                f"release {release} is {'' if is_live else 'not '}live and cannot be marked "
                f"{state}: promote or roll back"
            )
