"""The LLM that the settings name."""

from __future__ import annotations

from rag_service.core.errors import ConfigError
from rag_service.core.protocols import Generator
from rag_service.core.settings import Settings


def make_generator(settings: Settings) -> Generator | None:
    """The generator of ``settings.llm``; None if it is ``none``.

    Nothing is loaded or called before the first ``stream``.

    Raises:
        ConfigError: the setting needs another one, or a library, that is missing.
        ModelError: the files of an ``hf:`` model are not on this machine.
    """
    kind, _, model = settings.llm.partition(":")
    if kind == "none":
        return None
    if kind == "embedded":
        from rag_service.adapters.llm_embedded import EmbeddedGenerator

        return EmbeddedGenerator(settings.cache, settings.llm_timeout)
    if kind == "ollama":
        from rag_service.adapters.llm_ollama import OllamaGenerator

        return OllamaGenerator(
            settings.ollama_host, model, settings.llm_timeout, settings.llm_requests
        )
    if kind == "hf":
        from rag_service.adapters.llm_transformers import TransformersGenerator

        return TransformersGenerator(
            model, settings.llm_timeout, settings.llm_requests, settings.arithmetic
        )
    if not settings.openai_base_url:
        raise ConfigError(
            f"RAGLOOP_LLM={settings.llm} needs RAGLOOP_OPENAI_BASE_URL, the address that "
            "/chat/completions is appended to, such as http://127.0.0.1:8080/v1"
        )
    from rag_service.adapters.llm_openai import OpenAIGenerator

    return OpenAIGenerator(
        settings.openai_base_url,
        settings.openai_api_key,
        model,
        settings.llm_timeout,
        settings.llm_requests,
    )
