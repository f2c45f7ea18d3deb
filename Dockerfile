# syntax=docker/dockerfile:1
# One image for service and training. Where the index offers several builds of torch, choose one
# with `--build-arg PIP_EXTRA_INDEX_URL=…`; a plain build takes the index's default (CUDA on Linux).
FROM python:3.12-slim AS dependencies
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /app
COPY constraints.txt no-deps.txt pyproject.toml README.md LICENSE ./
RUN /venv/bin/pip install -c constraints.txt torch
RUN mkdir -p rag_service ingest finetune eval \
    && touch rag_service/__init__.py ingest/__init__.py finetune/__init__.py eval/__init__.py \
    && /venv/bin/pip install -c constraints.txt ".[pdf,train]" \
    && /venv/bin/pip install --no-deps -r no-deps.txt \
    && /venv/bin/pip uninstall -y ragloop

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 RAGLOOP_HOME=/data RAGLOOP_CACHE=/cache \
    RAGLOOP_HOST=0.0.0.0 RAGLOOP_PORT=8000
RUN useradd --create-home --uid 10001 ragloop \
    && mkdir /data /cache && chown ragloop:ragloop /data /cache
COPY --from=dependencies /venv /venv
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir --no-deps .
USER ragloop
VOLUME ["/data", "/cache"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"
ENTRYPOINT ["ragloop"]
CMD ["serve"]
