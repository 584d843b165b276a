"""A whole `pulumi up` as an account that has just the roles which docs/identity.md names for it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from local.google.__main__ import GRANT_DELAY
from local.paths import PROJECT as ROOT
from local.platform.environment import owner_token
from tests import tiny
from tests.checkout import Checkout
from tests.end_to_end import keyless, servers
from tests.local.google.world import PROJECT, World, assertion

pytestmark = pytest.mark.real

DEPLOYER = f"pulumi@{PROJECT}.iam.gserviceaccount.com"
ADMIN = "roles/resourcemanager.projectIamAdmin"


def told() -> tuple[list[str], str]:
    """The roles that the page names, and the condition of the one that grants roles."""
    text = (ROOT / "docs" / "identity.md").read_text()
    needs = text.partition("Give `pulumi` what `pulumi up` needs")[2].partition("access to the bucket")[0]
    [condition] = re.findall(r'expression: "(api[^"]*)"', text)
    return re.findall(r"`(roles/[\w.]+)`", needs), condition


SignIn = Callable[[], dict[str, str]]


@pytest.fixture
def deployer(project: Checkout) -> SignIn:
    """Signs in as the deployer; a new start of the platform forgets its tokens."""
    asked = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email"
    roles, expression = told()
    with httpx.Client(base_url=project.settings().google_url, timeout=60, trust_env=False) as client:
        world = World(client, owner_token(project.paths))
        world.account("pulumi")
        policy = world.ok("POST", f"/v1/projects/{PROJECT}:getIamPolicy")
        for role in roles:
            binding = {"role": role, "members": [f"serviceAccount:{DEPLOYER}"]}
            limit = {"condition": {"title": "just ours", "expression": expression}} if role == ADMIN else {}
            policy["bindings"].append(binding | limit)
        world.ok("POST", f"/v1/projects/{PROJECT}:setIamPolicy", json={"policy": policy})
        key = world.key(DEPLOYER)

    def sign_in() -> dict[str, str]:
        with httpx.Client(base_url=project.settings().google_url, timeout=60, trust_env=False) as client:
            answer = World(client, "").exchange(assertion(key, scope=asked))
        return {"GOOGLE_OAUTH_ACCESS_TOKEN": answer.json()["access_token"]}

    return sign_in


def test_the_whole_lifecycle_as_the_deployer(project: Checkout, deployer: SignIn, tmp_path: Path) -> None:
    """With the identity of `dev` and `prod`, and nobody named who may be dbt: that is who brings it up."""
    shutil.rmtree(project.root / "dbt")
    shutil.copytree(tiny.DIRECTORY, project.root / "dbt")

    def pulumi(*arguments: str, env: dict[str, str] | None = None) -> str:
        who = deployer() if env is None else env
        done = project.run("pulumi", *arguments, "-s", "local", "--non-interactive", env=who)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    pulumi("config", "set", "projet-m2-bi:identity", "impersonation")
    may = f"serviceAccount:{DEPLOYER}, who runs this, may act as dbt's service account"
    assert may in pulumi("preview")
    # An API that a new project has not on, and that the stack switches on.
    off = "iamcredentials.googleapis.com"
    keyless.google(project, "POST", f"/v1/projects/{keyless.PROJECT}/services/{off}:disable", {})
    # What was granted just now counts only later, as at Google; what the account has is older by then.
    with keyless.slow(project, GRANT_DELAY, 8):
        made = pulumi("up", "--yes", "--skip-preview")
    assert may in made
    assert f"waiting for the API {off} of {keyless.PROJECT}" in made
    assert "IAM Service Account Credentials API has not been used in project" in made
    assert f"waiting for the right of serviceAccount:{DEPLOYER} to act as {keyless.DBT}" in made
    log = (project.paths.logs / "google.log").read_text()
    assert f"/datasets 200 {DEPLOYER}" in log
    assert f":setIamPolicy 200 {DEPLOYER}" in log
    assert f"{keyless.DBT}:generateAccessToken 200 {DEPLOYER}" in log
    pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    # Somebody else takes nothing away from the first, and hears who may.
    other = pulumi("preview", "--expect-no-changes", env={})
    assert "user:owner@example.com, who runs this, may not act as dbt's service account" in other
    assert f"'impersonators[0]' serviceAccount:{DEPLOYER} -s local && pulumi config set" in other
    # dbt is its own account.
    with keyless.iam_credentials(project, tmp_path) as front:
        machine = front | keyless.machine(project, DEPLOYER)
        home = {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path)}
        flow = project.python("-m", "flows.pipeline", "--target", "local", env=machine | home)
    assert flow.returncode == 0, flow.stdout + flow.stderr
    assert f"/jobs 200 {keyless.DBT}" in (project.paths.logs / "google.log").read_text()
    # Named, it keeps what it may.
    pulumi("config", "set", "--path", "projet-m2-bi:impersonators[0]", f"serviceAccount:{DEPLOYER}")
    pulumi("up", "--yes", "--skip-preview")
    policy = keyless.google(project, "POST", f"{keyless.ACCOUNTS}/{keyless.DBT}:getIamPolicy")
    [binding] = policy["bindings"]
    assert (binding["members"], "condition" in binding) == ([f"serviceAccount:{DEPLOYER}"], False)
    pulumi("destroy", "--yes", "--skip-preview")
    assert servers.datasets(project) == set()
    assert servers.service_accounts(project) == {DEPLOYER}
