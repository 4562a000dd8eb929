# zonekeras on a CPU, a GPU or a TPU VM:
#
#     docker build --tag zonekeras .
#     docker build --build-arg ACCELERATOR=gpu --tag zonekeras:gpu .
#     docker build --build-arg ACCELERATOR=tpu --tag zonekeras:tpu .
#
# It runs as a user without rights, with nothing to write to but /tmp and the volume in
# /data: docs/docker.md.
FROM python:3.11-slim-bookworm

ARG ACCELERATOR=cpu

# Caches that may go are in /tmp; downloads that should stay are in the volume.
ENV HOME=/tmp \
    KAGGLEHUB_CACHE=/data/.cache/kagglehub \
    KERAS_HOME=/tmp/keras \
    MPLCONFIGDIR=/tmp/matplotlib \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache

COPY . /src

# tensorflow-tpu is the same modules under another name: it takes tensorflow's place.
RUN case "$ACCELERATOR" in \
    cpu) pip install --no-cache-dir "/src[gcs,report,serving]" ;; \
    gpu) pip install --no-cache-dir "/src[gcs,gpu,report,serving]" ;; \
    tpu) pip install --no-cache-dir "/src[gcs,report,serving]" && \
        pip uninstall --yes tensorflow && \
        pip install --no-cache-dir "tensorflow-tpu>=2.20,<2.21" ;; \
    *) echo "expected ACCELERATOR=cpu, gpu or tpu. Received: $ACCELERATOR" >&2 && \
        exit 2 ;; \
    esac

RUN useradd --uid 10001 --no-create-home --home-dir /tmp zonekeras && \
    install --directory --owner=10001 --group=10001 /data
USER 10001:10001
WORKDIR /data

ENTRYPOINT ["zonekeras"]
CMD ["--help"]
