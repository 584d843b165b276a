"""A whole `pulumi up` as an account that has just the roles which docs/identity.md names for it."""

from __future__ import annotations

import re
import shutil

import httpx
import pytest

from local.paths import PROJECT as ROOT
from local.platform.environment import owner_token
from tests import tiny
from tests.checkout import Checkout
from tests.end_to_end import servers
from tests.local.google.world import PROJECT, World

pytestmark = pytest.mark.real

DEPLOYER = f"pulumi@{PROJECT}.iam.gserviceaccount.com"
ADMIN = "roles/resourcemanager.projectIamAdmin"


def told() -> tuple[list[str], str]:
    """The roles that the page names, and the condition of the one that grants roles."""
    text = (ROOT / "docs" / "identity.md").read_text()
    needs = text.partition("Give `pulumi` what `pulumi up` needs")[2].partition("access to the bucket")[0]
    [condition] = re.findall(r'expression: "(api[^"]*)"', text)
    return re.findall(r"`(roles/[\w.]+)`", needs), condition


@pytest.fixture
def deployer(project: Checkout) -> str:
    """A token of the deployer."""
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
        return world.sign_in(world.key(DEPLOYER))


def test_the_whole_lifecycle_as_the_deployer(project: Checkout, deployer: str) -> None:
    shutil.rmtree(project.root / "dbt")
    shutil.copytree(tiny.DIRECTORY, project.root / "dbt")
    signed_in = {"GOOGLE_OAUTH_ACCESS_TOKEN": deployer}

    def pulumi(*arguments: str) -> None:
        done = project.run("pulumi", *arguments, "-s", "local", "--non-interactive", env=signed_in)
        assert done.returncode == 0, done.stdout + done.stderr

    pulumi("up", "--yes", "--skip-preview")
    log = (project.paths.logs / "google.log").read_text()
    assert f"/datasets 200 {DEPLOYER}" in log
    assert f":setIamPolicy 200 {DEPLOYER}" in log
    pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    # dbt is its own account.
    flow = project.python("-m", "flows.pipeline", "--target", "local")
    assert flow.returncode == 0, flow.stdout + flow.stderr
    pulumi("destroy", "--yes", "--skip-preview")
    assert servers.datasets(project) == set()
    assert servers.service_accounts(project) == {DEPLOYER}
