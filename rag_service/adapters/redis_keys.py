"""Every key and name that Ragloop has in Redis."""

from __future__ import annotations

from dataclasses import dataclass

from rag_service.core.ids import document_of


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one namespace, so that installations can share a Redis.

    A Redis that spreads its keys over slots hashes what stands in braces alone. A namespace in
    braces is for such a one: what decides then has one slot, and all that is of one document
    another, its chunks and its entry in every index alike.
    """

    namespace: str

    @property
    def spread(self) -> bool:
        """Whether the keys are over slots, so that no step may touch two of them."""
        return self.namespace.startswith("{")

    @property
    def alias(self) -> str:
        """The query engine's alias of the live release's index."""
        return f"{self.namespace}-live"

    @property
    def live(self) -> str:
        """String: the live release. It and ``alias`` move together."""
        return f"{self.namespace}:live"

    @property
    def history(self) -> str:
        """List: releases that a rollback would bring back, the next one first."""
        return f"{self.namespace}:history"

    @property
    def releases(self) -> str:
        """Hash: release to its JSON, without its state."""
        return f"{self.namespace}:releases"

    @property
    def states(self) -> str:
        """Hash: release to its state."""
        return f"{self.namespace}:states"

    def users(self, release: str) -> str:
        """Sorted set: who uses a release, by when that ends in ms of the server's clock."""
        return f"{self.namespace}:users:{release}"

    @property
    def release_counter(self) -> str:
        """Integer: the number in the newest release name."""
        return f"{self.namespace}:release-counter"

    @property
    def index_tuning(self) -> str:
        """String: JSON of what new indexes are made with."""
        return f"{self.namespace}:index-tuning"

    @property
    def documents(self) -> str:
        """Hash: document id to its JSON."""
        return f"{self.namespace}:documents"

    @property
    def revision(self) -> str:
        """Integer: raised by every change of documents or chunks."""
        return f"{self.namespace}:revision"

    def chunks(self, document_id: str) -> str:
        """Hash: chunk id to its JSON."""
        return f"{self._bulk}:chunks:{self._tag(document_id)}"

    def reading_order(self, document_id: str) -> str:
        """List: chunk ids in order of position; made when it is first asked for."""
        return f"{self._bulk}:order:{self._tag(document_id)}"

    def claims(self, work: str) -> str:
        """Hash: item of a piece of work to who holds it and until when."""
        return f"{self.namespace}:claims:{work}"

    @property
    def latencies(self) -> str:
        """Stream: milliseconds that requests to the live release took, newest last."""
        return f"{self.namespace}:latencies"

    @property
    def experiment(self) -> str:
        """String: JSON of the experiment that runs."""
        return f"{self.namespace}:experiment"

    @property
    def experiments(self) -> str:
        """Hash: experiment that ended to its JSON."""
        return f"{self.namespace}:experiments"

    def tally(self, experiment: str) -> str:
        """Hash: what was counted, such as ``good:b``, to how often."""
        return f"{self.namespace}:tally:{experiment}"

    def credited(self, experiment: str) -> str:
        """Set: clients or requests whose outcome is counted; there while the experiment runs."""
        return f"{self.namespace}:credited:{experiment}"

    def impression(self, request: str) -> str:
        """String: JSON of what a request inside an experiment was shown; it expires."""
        return f"{self.namespace}:impression:{request}"

    def answer(self, key: str) -> str:
        """String: an answer that may be given again; it expires."""
        return f"{self.namespace}:answer:{key}"

    @property
    def answers(self) -> str:
        """Sorted set: keys of the kept answers, by when they expire in ms of the server's clock."""
        return f"{self.namespace}:answers"

    @property
    def api_keys(self) -> str:
        """Hash: digest of a key to the service to its JSON."""
        return f"{self.namespace}:api-keys"

    @property
    def api_keys_used(self) -> str:
        """Hash: digest of a key to the service to when it was last used."""
        return f"{self.namespace}:api-keys-used"

    @property
    def rates(self) -> str:
        """Prefix of lists: when each client asked lately; they expire."""
        return f"{self._bulk}:rates"

    @property
    def jobs(self) -> str:
        """Sorted set: jobs of the worker, by when they were queued. RQ keeps them under ``rq:``."""
        return f"{self.namespace}:jobs"

    def job_notes(self, job: str) -> str:
        """Hash: how far a job is, and whether it is to be cancelled."""
        return f"{self.namespace}:job:{job}"

    def job_events(self, job: str) -> str:
        """Stream: what happened in a job."""
        return f"{self.namespace}:job-events:{job}"

    @property
    def index_names(self) -> str:
        """Set: every index name that was ever used."""
        return f"{self.namespace}:index-names"

    def index_spec(self, index: str) -> str:
        """Hash: what an index is made of; there as long as the index or an entry of it is."""
        return f"{self.namespace}:index:{index}"

    def physical(self, index: str) -> str:
        """An index's name in the query engine, whose names are shared by all namespaces."""
        return f"{self.namespace}:{index}"

    def entries(self, index: str) -> str:
        """Prefix of an index's entries; a hash for each chunk id."""
        return f"{self._bulk}:ix:{index}:"

    def entry(self, index: str, chunk_id: str) -> str:
        """Hash: what an index has of a chunk."""
        document_id = document_of(chunk_id)
        rest = chunk_id.removeprefix(document_id)
        return f"{self.entries(index)}{self._tag(document_id)}{rest}"

    def chunk_of(self, index: str, entry: str) -> str:
        """The chunk id of an entry's key."""
        chunk_id = entry.removeprefix(self.entries(index))
        if self.spread:
            document_id, _, rest = chunk_id.removeprefix("{").partition("}")
            chunk_id = document_id + rest
        return chunk_id

    @property
    def patterns(self) -> tuple[str, ...]:
        """What all keys match."""
        return tuple(f"{begin}:*" for begin in dict.fromkeys((self.namespace, self._bulk)))

    def name(self, key: str) -> str:
        """A key without its namespace and without braces: the same on every kind of Redis."""
        if not self.spread:
            return key.removeprefix(f"{self.namespace}:")
        _, _, name = key.partition(":")
        return name.replace("{", "", 1).replace("}", "", 1)

    def key(self, name: str) -> str:
        """The key of a name."""
        kind, _, rest = name.partition(":")
        if kind == "chunks":
            return self.chunks(rest)
        if kind == "ix":
            index, _, chunk_id = rest.partition(":")
            return self.entry(index, chunk_id)
        return f"{self.namespace}:{name}"

    @property
    def _bulk(self) -> str:
        return self.namespace.strip("{}")

    def _tag(self, document_id: str) -> str:
        return f"{{{document_id}}}" if self.spread else document_id
