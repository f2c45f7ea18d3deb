"""What computes an encoder's network: torch, ONNX Runtime or OpenVINO, each in its precisions.

Only the transformer's layers change hands. Prompts, tokenizer, pooling and what stands behind
remain those of the sentence-transformers model.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_service.core.errors import ConfigError, ModelError

if TYPE_CHECKING:
    import torch
    from filelock import FileLock
    from sentence_transformers import SentenceTransformer

TORCH = ("float32", "bfloat16")
ONNX = ("onnx-float32", "onnx-int8")
OPENVINO = ("openvino-float32", "openvino-bfloat16", "openvino-int8")
ENGINES = (*TORCH, *ONNX, *OPENVINO)

_NEEDS = {"onnx": ("onnx", "onnxruntime"), "openvino": ("openvino",)}
_EXTRA = {"onnx": "embedded", "openvino": "openvino"}


def named(precision: str, device: str) -> list[str]:
    """The engines that a precision setting allows on ``device`` (``cpu`` or ``cuda``).

    ``auto`` allows all that can run, ``int8`` those of 8 bits, and an engine's name itself alone.

    Raises:
        ConfigError: there is none, or the one that is named cannot run here.
    """
    found = [engine for engine in ENGINES if not _hindrance(engine, device)]
    if precision == "auto":
        return found
    if precision == "int8":
        found = [engine for engine in found if engine.endswith("int8")]
        if found:
            return found
        raise ConfigError(
            f"RAGLOOP_PRECISION=int8 needs a processor and openvino or onnxruntime: install "
            f"ragloop[openvino], or set another precision (the device is {device})"
        )
    if precision not in ENGINES:
        raise ConfigError(
            f"RAGLOOP_PRECISION={precision}: use auto, int8 or one of {', '.join(ENGINES)}"
        )
    if hindrance := _hindrance(precision, device):
        raise ConfigError(f"RAGLOOP_PRECISION={precision}: {hindrance}")
    return [precision]


def put_in(model: SentenceTransformer, engine: str, folder: Path) -> None:
    """Have ``engine`` compute the network of the float32 ``model``.

    Where it needs a file of its own, that is made in ``folder``, if it is not there yet.

    Raises:
        ModelError: the engine cannot compute this model.
    """
    library, _, precision = engine.rpartition("-")
    if not library:
        import torch

        model.to(getattr(torch, precision))
        return
    _require_text_network(model)
    try:
        network = _onnx(model, engine, folder) if library == "onnx" else _ov(model, engine, folder)
    except ModelError:
        raise
    except Exception as error:
        # Exporters meet a network that they do not know with exceptions of every kind.
        detail = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{engine} cannot compute this model: {detail[:300]}") from error
    transformer: Any = model[0]
    transformer.model = network


def device() -> str:
    """What torch computes on here: ``cpu`` or ``cuda``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def cpu_flags() -> set[str]:
    """What the processor can do, in Linux's words; empty where nobody tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return set()
    lines = cpuinfo.read_text(errors="replace").splitlines()
    told = (line.partition(":") for line in lines)
    return {flag for key, _, flags in told if key.strip() in _FLAGS for flag in flags.split()}


_FLAGS = {"flags", "Features"}


def _hindrance(engine: str, device: str) -> str:
    """Why ``engine`` cannot run on ``device``, or ``""``."""
    library, _, precision = engine.rpartition("-")
    if library and device != "cpu":
        return f"{library} computes on the processor here, and the device is {device}"
    missing = [name for name in _NEEDS.get(library, ()) if find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} must be installed (ragloop[{_EXTRA[library]}])"
    if library == "openvino" and precision != "int8":
        native = cpu_has_bfloat16()
        if (precision == "bfloat16") != native:
            return "it computes bfloat16 where the processor does, and float32 elsewhere"
    return ""


def _onnx(model: SentenceTransformer, engine: str, folder: Path) -> torch.nn.Module:
    from rag_service.adapters import onnx_network

    file = folder / f"{engine}.onnx"
    with _alone(file):
        if not file.exists():
            onnx_network.convert(model, file, eight_bits=engine.endswith("int8"))
    return onnx_network.OnnxNetwork(model, file)


def _ov(model: SentenceTransformer, engine: str, folder: Path) -> torch.nn.Module:
    from rag_service.adapters import openvino_network

    file = folder / f"{engine}.xml"
    with _alone(file):
        if not file.exists():
            openvino_network.convert(model, file, eight_bits=engine.endswith("int8"))
    return openvino_network.OpenVinoNetwork(model, file, bfloat16=cpu_has_bfloat16())


def _alone(file: Path) -> FileLock:
    """Held by the one process that looks for ``file``, and makes it where it is not."""
    from filelock import FileLock

    file.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(file.with_name(f".{file.name}.lock"))


def _require_text_network(model: SentenceTransformer) -> None:
    transformer: Any = model[0]
    wanted = getattr(transformer, "modality_config", {}).get("text", {})
    output = wanted.get("method_output_name")
    if wanted.get("method") != "forward" or output not in (
        "last_hidden_state",
        ("last_hidden_state",),
    ):
        raise ModelError("only a transformer that gives the states of tokens can be converted")
