# The image in which docker, kubernetes and cloud-run-v2 work pools run the flow:
#   docker build -t REGION-docker.pkg.dev/PROJECT/REPOSITORY/dbt:TAG . && docker push …
#   pulumi config set image … -s ENV
FROM python:3.11-slim

COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
RUN useradd --create-home --uid 1000 runner
# The flow imports its modules from here, and dbt writes target/ and logs/.
WORKDIR /app
RUN chown runner /app
USER runner
COPY --chown=runner pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-cache
COPY --chown=runner dbt dbt
COPY --chown=runner flows flows
ENV PATH=/app/.venv/bin:$PATH DBT_SEND_ANONYMOUS_USAGE_STATS=false
