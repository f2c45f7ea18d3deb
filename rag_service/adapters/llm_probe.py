"""Whether the LLM that the settings name can be asked."""

from __future__ import annotations

import httpx

from rag_service.adapters.llm_embedded import MODEL
from rag_service.adapters.package_weights import cached
from rag_service.core.settings import Settings

_SECONDS = 1.5


def problem(settings: Settings) -> str:
    """Why it cannot, or ``""``. Nothing is loaded or written for it: of a server this asks which
    models it has."""
    kind, _, model = settings.llm.partition(":")
    if kind == "embedded":
        told = f"{MODEL} is not pulled yet: ragloop models pull {MODEL}"
        return "" if cached(MODEL, settings.cache) else told
    if kind == "ollama":
        return _of_ollama(settings.ollama_host, model)
    if kind == "openai":
        return _of_openai(settings.openai_base_url, settings.openai_api_key)
    return ""


def _of_ollama(host: str, model: str) -> str:
    try:
        models = httpx.get(f"{host.rstrip('/')}/api/tags", timeout=_SECONDS).json()["models"]
        names = {str(known["name"]) for known in models}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        what = type(error).__name__
        return f"Ollama does not answer ({what}): start it, or set RAGLOOP_OLLAMA_HOST"
    if {model, f"{model}:latest"} & names:
        return ""
    return f"Ollama has no model {model}: run `ollama pull {model}` there"


def _of_openai(base_url: str, key: str) -> str:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        status = httpx.get(
            f"{base_url.rstrip('/')}/models", timeout=_SECONDS, headers=headers
        ).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        what = type(error).__name__
        return f"the LLM's server does not answer ({what}): check RAGLOOP_OPENAI_BASE_URL"
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return f"the LLM's server answers {status}: check RAGLOOP_OPENAI_API_KEY"
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return f"the LLM's server answers {status}"
    return ""
