"""What the long commands do: the same for the command line and for the worker.

A job that was killed in the one goes on in the other, since both give it the same arguments.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_service.core.errors import InvalidRequest
from rag_service.core.ids import file_id
from rag_service.core.protocols import Progress
from rag_service.core.settings import Settings

if TYPE_CHECKING:
    from rag_service.indexing.shadow import BuildOptions
    from rag_service.loop.improve import Improvement
    from rag_service.loop.training import FinetuneOptions
    from rag_service.wiring import Services


def finetune(services: Services, options: FinetuneOptions, progress: Progress) -> dict[str, Any]:
    """Training data of the live chunks, and the model trained on it."""
    with services.jobs.run("finetune", job_arguments(services.settings, options)) as job:
        live = job.step("start", services.improver.live_release)
        card = services.improver.finetune(job, live, options, progress)
    return {
        "model": card.fingerprint,
        "name": card.name,
        "base": card.base,
        "dims": card.dims,
        "data": str(job.folder / "data"),
        "training": dict(card.training),
        "seconds": job.seconds,
    }


def improve(services: Services, options: FinetuneOptions, progress: Progress) -> Improvement:
    """Finetune, reindex, evaluate, ask the gate, promote."""
    from eval.gate import GateThresholds

    with services.jobs.run("improve", job_arguments(services.settings, options)) as job:
        return services.improver.run(job, options, GateThresholds(), progress)


def reindex(
    services: Services, model: str, dims: int, options: BuildOptions, progress: Progress
) -> dict[str, Any]:
    """A candidate release of a model beside the live one; several processes may share the work."""
    card = services.registry.resolve(model)
    if dims:
        card = services.registry.truncated(card.fingerprint, dims)
    shape = services.indexer.shape(card, options)
    arguments = {"model": card.fingerprint, **shape, "fresh": options.fresh}
    services.ensure_live()
    with services.jobs.run("reindex", arguments, alone=False) as job:
        return services.reindexer.run(job, card, options, progress).as_dict()


def judge(services: Services, release: str, progress: Progress) -> dict[str, Any]:
    """What the gate says of a candidate on the newest held-out questions, asked anew.

    Raises NotFound if there is no such release or no question set, InvalidRequest if the gate is
    not asked of it.
    """
    questions = services.newest_question_set()
    judged = services.judge_candidate(release, questions, progress=progress)
    if judged is None:
        state = services.releases.get(release).state
        raise InvalidRequest(
            f"the gate compares candidates with the live release: {release} is {state}"
        )
    return judged.as_dict()


def job_arguments(settings: Settings, options: Any) -> dict[str, Any]:
    """What makes two jobs the same work, so that one resumes the other."""
    files = (options.data.questions_file, options.training.texts_file)
    return {
        "options": asdict(options),
        "files": {name: file_id(Path(name)) for name in files if name},
        "embedding_model": settings.embedding_model,
        "llm": settings.llm,
    }
