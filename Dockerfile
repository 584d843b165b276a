# syntax=docker/dockerfile:1.10
# The image in which docker, kubernetes and cloud-run-v2 work pools run the flow:
#   docker build -t REGION-docker.pkg.dev/PROJECT/REPOSITORY/dbt:TAG . && docker push …
#   pulumi config set image … -s ENV
FROM python:3.11-slim

COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
# dbt clones the packages that lie in git repositories.
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 runner
# Outside of the working directory, of which Prefect makes a copy for each run: this is a gigabyte.
ENV UV_PROJECT_ENVIRONMENT=/opt/venv
# What that copy is made of: the flow's modules, and the dbt project with what dbt writes into it.
WORKDIR /app
RUN mkdir /opt/venv && chown runner /opt/venv /app
USER runner
COPY --chown=runner pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --no-cache
COPY --chown=runner flows flows
COPY --chown=runner dbt dbt
ENV PATH=/opt/venv/bin:$PATH DBT_SEND_ANONYMOUS_USAGE_STATS=false
# The project's packages, if it has any. For a private repository:
#   docker build --secret id=git,env=DBT_ENV_SECRET_GIT_CREDENTIAL …
RUN --mount=type=secret,id=git,env=DBT_ENV_SECRET_GIT_CREDENTIAL python -m flows.packages --project-dir dbt
