"""Machines with an identity, and the flow run on one: what the tests of identities share."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import tiny
from tests.asking import ask
from tests.checkout import Checkout

PROJECT = "demo-flights"
ACCOUNTS = f"/v1/projects/{PROJECT}/serviceAccounts"
DBT = f"dbt-local@{PROJECT}.iam.gserviceaccount.com"
RAW = f"/bigquery/v2/projects/{PROJECT}/datasets/demo_flights_local_raw"
_COMMAND = ("-m", "flows.pipeline", "--target", "local", "--project-dir", "tiny")

_CHECK = """
import sys
from flows import errors
from flows.target import blocks, dbt_profile, warehouse
try:
    warehouse.check(dbt_profile.from_document(blocks.load_dbt_cli_profile("local"), "local"))
except errors.PipelineError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""

# The dbt profile that the blocks describe, for `dbt` itself.
WRITE_PROFILE = """
from flows.target import blocks, dbt_profile
print(dbt_profile.from_document(blocks.load_dbt_cli_profile("local"), "local").text)
"""


def google(project: Checkout, method: str, path: str, body: Any = None) -> Any:
    """Call the Google endpoints as their owner."""
    token = project.paths.owner_token.read_text().strip()
    url = f"{project.settings().google_url}{path}"
    headers = {"Authorization": f"Bearer {token}"}
    return ask(method, url, body, headers)


@contextmanager
def slow(project: Checkout, delay: str, seconds: int) -> Iterator[None]:
    """Let a new key or a new grant count only after a while, as it may at Google."""
    project.stop("google")
    ok(project.local("up", env={delay: str(seconds)}))
    try:
        yield
    finally:
        project.stop("google")
        ok(project.local("up"))


def tiny_project(project: Checkout) -> None:
    """Put a dbt project of seconds, which reads one raw table, into the checkout."""
    made = project.root / "tiny"
    shutil.copytree(tiny.DIRECTORY, made)
    (made / "models" / "from_raw.sql").write_text("select * from demo_flights_local_raw.things\n")
    schema = {"fields": [{"name": "id", "type": "INTEGER"}]}
    table = {"tableReference": {"tableId": "things"}, "schema": schema}
    google(project, "POST", f"{RAW}/tables", table)


def grant(project: Checkout, account: str, *roles: str) -> None:
    """Give a service account roles on the project."""
    policy = google(project, "POST", f"/v1/projects/{PROJECT}:getIamPolicy")
    member = f"serviceAccount:{account}"
    policy["bindings"] += [{"role": role, "members": [member]} for role in roles]
    google(project, "POST", f"/v1/projects/{PROJECT}:setIamPolicy", {"policy": policy})


def machine(project: Checkout, account: str) -> dict[str, str]:
    """The variables of a machine that has this service account."""
    host = google(project, "POST", "/machines", {"email": account})["metadataHost"]
    return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}


def flow(project: Checkout, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the flow on the tiny dbt project, on a machine."""
    return _python(project, env, *_COMMAND)


def _python(project: Checkout, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    # No `gcloud` and no login of whoever runs the tests.
    home = {"HOME": str(project.root / "home"), "CLOUDSDK_CONFIG": str(project.root / "home")}
    return project.python(*arguments, env=home | env)


def check(project: Checkout, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the flow does first: read the blocks, sign in as dbt will, ask BigQuery. Takes seconds."""
    return _python(project, env, "-c", _CHECK)


@contextmanager
def iam_credentials(project: Checkout, directory: Path) -> Iterator[dict[str, str]]:
    """https://iamcredentials.googleapis.com on this machine, and the variables that lead there."""
    argv = [sys.executable, "-m", "local.google.sign_in.tls_front", "--google", project.settings().google_url]
    front = subprocess.Popen(
        [*argv, "--directory", str(directory)], cwd=project.root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert front.stdout is not None
        lines = [front.stdout.readline().strip() for _ in range(2)]
        pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
        yield {name: value.strip("'") for name, value in pairs} | {"NO_PROXY": "127.0.0.1"}
    finally:
        front.terminate()
        front.wait(60)
        if front.stdout is not None:
            front.stdout.close()


def configure(project: Checkout, *settings: str, stack: str = "local") -> None:
    """Change settings, each `name=value`, and bring the stack up."""
    plain = [f"--plaintext=projet-m2-bi:{setting}" for setting in settings]
    ok(project.pulumi("config", "set-all", "--path", *plain, stack=stack))
    ok(project.pulumi("up", "--yes", "--skip-preview", stack=stack))


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
