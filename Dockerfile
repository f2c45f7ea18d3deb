# syntax=docker/dockerfile:1
# Two targets: `cpu` (the default) and `cuda`, which differ in their build of torch.
#
# Package indexes are given as build arguments, or else are pip's default:
#   PIP_INDEX_URL        where all packages come from
#   TORCH_CPU_INDEX_URL  where torch's CPU builds are, if the index above has CUDA builds alone
#   TORCH_CUDA_INDEX_URL where CUDA builds of another version of CUDA are
# A torch of the wrong kind ends the build before anything large is fetched.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS base
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Without pip of its own, which nothing needs at run time: it is told of the environment instead.
RUN python -m venv --without-pip /venv
ENV PIP_PYTHON=/venv/bin/python
WORKDIR /build
# What the dependencies are; a change of the code leaves these layers alone.
COPY constraints.txt no-deps.txt pyproject.toml ./
RUN touch README.md LICENSE

FROM base AS torch-cpu
ARG TORCH_CPU_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip <<'END'
set -eu
torch="-c constraints.txt ${TORCH_CPU_INDEX_URL:+--extra-index-url $TORCH_CPU_INDEX_URL} torch"
pip install --dry-run --quiet --report /tmp/torch.json $torch
if grep -q '"name": "nvidia-' /tmp/torch.json; then
    echo 'the index gives a CUDA build of torch: set the build argument TORCH_CPU_INDEX_URL to an'
    echo 'index of CPU builds (TORCH_CPU_INDEX_URL in .env), or build the target cuda'
    exit 1
fi
pip install $torch
END

FROM base AS torch-cuda
ARG TORCH_CUDA_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip <<'END'
set -eu
torch="-c constraints.txt ${TORCH_CUDA_INDEX_URL:+--extra-index-url $TORCH_CUDA_INDEX_URL} torch"
pip install --dry-run --quiet --report /tmp/torch.json $torch
if ! grep -q '"name": "nvidia-' /tmp/torch.json; then
    echo 'the index gives a CPU build of torch: set the build argument TORCH_CUDA_INDEX_URL to an'
    echo 'index of CUDA builds'
    exit 1
fi
pip install $torch
END

FROM torch-cpu AS dependencies-cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt ".[openvino,pdf,train,otel]" \
    && pip install --no-deps -r no-deps.txt && pip uninstall --yes ragloop

FROM torch-cuda AS dependencies-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt ".[openvino,pdf,train,otel]" \
    && pip install --no-deps -r no-deps.txt && pip uninstall --yes ragloop

FROM base AS wheel
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_PYTHON= pip wheel --no-deps --wheel-dir /wheel .

# What runs: no compiler, no package manager's cache, nothing of the build, no root. It writes to
# /data, /cache and /backups alone, and to /tmp: the root file system may be read-only.
FROM python:${PYTHON}-slim AS runtime
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    RAGLOOP_HOME=/data RAGLOOP_CACHE=/cache XDG_CACHE_HOME=/cache HF_HOME=/cache/hub \
    MPLCONFIGDIR=/tmp/matplotlib RAGLOOP_HOST=0.0.0.0 RAGLOOP_PORT=8000
RUN useradd --create-home --uid 10001 ragloop \
    && install --directory --owner ragloop --group ragloop /data /cache /backups
WORKDIR /data
VOLUME ["/data", "/cache", "/backups"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["ragloop"]
CMD ["serve"]

FROM runtime AS cuda
COPY --link --from=dependencies-cuda /venv /venv
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip --python /venv/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl
USER ragloop

FROM runtime AS cpu
COPY --link --from=dependencies-cpu /venv /venv
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip --python /venv/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl
USER ragloop
