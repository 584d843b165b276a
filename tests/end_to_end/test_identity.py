"""The ways in which dbt signs in, each on the real engine, Prefect and dbt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checkout import Checkout
from tests.end_to_end import keyless, servers
from tests.end_to_end.keyless import DBT, configure, ok

pytestmark = pytest.mark.real

WORKER = f"worker@{keyless.PROJECT}.iam.gserviceaccount.com"
CREATOR = "roles/iam.serviceAccountTokenCreator"


@pytest.fixture(scope="module")
def impersonation(stack: Checkout) -> Checkout:
    """The local stack, whose dbt a worker's account may act as."""
    keyless.tiny_project(stack)
    keyless.google(stack, "POST", keyless.ACCOUNTS, {"accountId": "worker"})
    keyless.google(stack, "POST", keyless.ACCOUNTS, {"accountId": "stranger"})
    configure(stack, "identity=impersonation", f"impersonators[0]=serviceAccount:{WORKER}")
    return stack


@pytest.fixture(scope="module")
def front(impersonation: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with keyless.iam_credentials(impersonation, tmp_path_factory.mktemp("tls")) as variables:
        yield variables


def test_no_key_exists_any_more(impersonation: Checkout) -> None:
    assert not keyless.google(impersonation, "GET", f"{keyless.ACCOUNTS}/{DBT}/keys").get("keys")
    documents = servers.prefect(impersonation, "/block_documents/filter", {"include_secrets": True})
    data = {document["name"]: document["data"] for document in documents}
    assert "service_account_info" not in data["gcp-credentials-local"]
    extras = data["bigquery-target-configs-local"]["extras"]
    assert (extras["method"], extras["impersonate_service_account"]) == ("oauth", DBT)
    ok(impersonation.pulumi("preview", "--expect-no-changes"))


def test_the_flow_runs_without_any_key(impersonation: Checkout, front: dict[str, str]) -> None:
    done = keyless.flow(impersonation, front | keyless.machine(impersonation, WORKER))
    assert "dbt-test  success" in ok(done)
    log = (impersonation.paths.logs / "google.log").read_text()
    assert f"serviceAccounts/{DBT}:generateAccessToken 200 {WORKER}" in log
    # dbt's own requests are dbt's account's.
    assert f"/jobs 200 {DBT}" in log


def test_who_may_not_act_is_told_who_and_how(impersonation: Checkout, front: dict[str, str]) -> None:
    stranger = WORKER.replace("worker", "stranger")
    done = keyless.check(impersonation, front | keyless.machine(impersonation, stranger))
    assert done.returncode == 3, done.stderr
    assert f"error: {stranger} may not act as {DBT}" in done.stderr
    assert CREATOR in done.stderr
    assert f"'impersonators[0]' serviceAccount:{stranger} -s local" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_api_that_is_off_is_told_with_what_switches_it_on(
    impersonation: Checkout, front: dict[str, str]
) -> None:
    services = f"/v1/projects/{keyless.PROJECT}/services"
    for service in ("iamcredentials.googleapis.com", "bigquery.googleapis.com"):
        keyless.google(impersonation, "POST", f"{services}/{service}:disable", {})
        try:
            done = keyless.check(impersonation, front | keyless.machine(impersonation, WORKER))
        finally:
            keyless.google(impersonation, "POST", f"{services}/{service}:enable", {})
        assert done.returncode == 3, done.stderr
        assert "API has not been used in project" in done.stderr
        assert f"`gcloud services enable {service} --project" in done.stderr
        assert "roles/" not in done.stderr


def test_nobody_signed_in_is_told(impersonation: Checkout, front: dict[str, str]) -> None:
    done = keyless.check(impersonation, front | {"NO_GCE_CHECK": "true"})
    assert done.returncode == 3, done.stderr
    assert "nobody is signed in to Google on this machine" in done.stderr
    assert "gcloud auth application-default login" in done.stderr


def test_a_machines_own_identity(impersonation: Checkout) -> None:
    ok(impersonation.pulumi("config", "rm", "projet-m2-bi:impersonators"))
    configure(impersonation, "identity=attached")
    policy = keyless.google(impersonation, "POST", f"{keyless.ACCOUNTS}/{DBT}:getIamPolicy")
    assert not policy.get("bindings")
    assert "dbt-test  success" in ok(keyless.flow(impersonation, keyless.machine(impersonation, DBT)))


def test_a_machine_of_another_account_is_refused_whatever_that_may_do(impersonation: Checkout) -> None:
    keyless.grant(impersonation, WORKER, "roles/bigquery.dataEditor", "roles/bigquery.jobUser")
    for command in (keyless.check, keyless.flow):
        other = command(impersonation, keyless.machine(impersonation, WORKER))
        assert other.returncode == 3, other.stdout + other.stderr
        assert f"error: the identity of this machine is {WORKER}, but" in other.stderr
        assert f"say that dbt is {DBT}" in other.stderr
        assert "Traceback" not in other.stderr
    log = (impersonation.paths.logs / "google.log").read_text()
    assert f"/jobs 200 {WORKER}" not in log


def test_a_plain_dbt_takes_the_blocks_profile(impersonation: Checkout) -> None:
    """dbt passes over the one word that is not its own."""
    profiles = impersonation.root / "plain"
    profiles.mkdir()
    written = impersonation.python("-c", keyless.WRITE_PROFILE)
    (profiles / "profiles.yml").write_text(ok(written))
    assert f"attached_service_account: {DBT}" in written.stdout
    done = impersonation.run(
        "dbt",
        "build",
        "--project-dir=tiny",
        f"--profiles-dir={profiles}",
        env=keyless.machine(impersonation, DBT),
    )
    assert "Completed successfully" in ok(done)


def test_a_file_of_credentials_is_no_machines_identity(impersonation: Checkout) -> None:
    login = impersonation.root / "login.json"
    login.write_text(
        '{"type": "authorized_user", "client_id": "x", "client_secret": "y", "refresh_token": "z"}'
    )
    done = keyless.check(impersonation, {"GOOGLE_APPLICATION_CREDENTIALS": str(login)})
    assert done.returncode == 3, done.stderr
    assert "comes from a file of credentials" in done.stderr


def test_a_mix_that_cannot_work_is_refused_at_preview(impersonation: Checkout) -> None:
    ok(impersonation.pulumi("config", "set", "projet-m2-bi:keyRotation", "2026-Q4"))
    try:
        done = impersonation.pulumi("preview")
    finally:
        ok(impersonation.pulumi("config", "rm", "projet-m2-bi:keyRotation"))
    assert done.returncode != 0
    assert "with `identity: attached` there is no key to rotate" in done.stdout + done.stderr
    assert "(projet-m2-bi:keyRotation)" in done.stdout + done.stderr
