# ViT Explorer in a container: docker build -t vit-explorer . && docker run -p 127.0.0.1:8501:8501 -v vit:/data vit-explorer
# For an accelerator: --build-arg DEVICE=gpu (CUDA 13) or DEVICE=tpu.
FROM python:3.12-slim

ARG DEVICE=cpu
RUN apt-get update \
    && apt-get install -y --no-install-recommends make tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 vit \
    && mkdir /data && chown vit:vit /data

WORKDIR /app
RUN chown vit:vit /app
USER vit

# The same steps as on any machine: `make install` is what `make app` runs first.
COPY --chown=vit:vit Makefile pyproject.toml requirements.txt README.md LICENSE ./
COPY --chown=vit:vit vit_core vit_core
COPY --chown=vit:vit app app
COPY --chown=vit:vit data data
COPY --chown=vit:vit .streamlit .streamlit
RUN make install DEVICE=${DEVICE}

ENV VIT_CACHE_DIR=/data/cache \
    VIT_RUNS_DIR=/data/runs \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["/app/.venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

# tini forwards SIGTERM, so that `docker stop` ends the app and its prediction worker cleanly.
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["/app/.venv/bin/python", "-m", "vit_core", "app"]
