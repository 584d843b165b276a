"""The programs that the contract tests run."""

from __future__ import annotations

import re

EMAIL = "dbt-contract@demo-flights.iam.gserviceaccount.com"

ALL_KINDS = """
dataset = gcp.bigquery.Dataset(
    "dataset", dataset_id="contract", location="EU", description="first", labels={"env": "test"})
account = gcp.serviceaccount.Account("account", account_id="dbt-contract", display_name="first")
key = gcp.serviceaccount.Key("key", service_account_id=account.name, keepers={"generation": "1"})
jobs = gcp.projects.IAMMember(
    "jobs", project="demo-flights", role="roles/bigquery.jobUser", member=account.member)
editor = gcp.bigquery.DatasetIamMember(
    "editor", dataset_id=dataset.dataset_id, role="roles/bigquery.dataEditor", member=account.member)
actor = gcp.serviceaccount.IAMMember(
    "actor", service_account_id=account.name, role="roles/iam.serviceAccountTokenCreator",
    member="user:ada@example.com")
api = gcp.projects.Service("api", service="run.googleapis.com", disable_on_destroy=False)
"""


def copy(case: str, *names: str) -> str:
    """These of `ALL_KINDS` once more; their names, in the program and in Google, have the case in them."""
    every = re.split(r"^(?=\w+ = )", ALL_KINDS.strip(), flags=re.MULTILINE)
    program = "".join(one for one in every if one.partition(" = ")[0] in names)
    for name in names:
        program = program.replace(f'"{name}", ', f'"{case}-{name}", ')
    dataset, account = f'dataset_id="contract_{case.replace("-", "_")}"', f'account_id="dbt-contract-{case}"'
    program = program.replace('dataset_id="contract"', dataset)
    return program.replace('account_id="dbt-contract"', account)


MANY_SETTINGS = """
gcp.bigquery.Dataset("least", dataset_id="contract_least")
gcp.bigquery.Dataset(
    "most", dataset_id="contract_most", location="us", friendly_name="Most", description="Much",
    default_table_expiration_ms=7200000, default_partition_expiration_ms=3600000,
    max_time_travel_hours="72", delete_contents_on_destroy=True, storage_billing_model="LOGICAL",
    default_collation="und:ci", is_case_insensitive=True,
    accesses=[
        {"role": "OWNER", "special_group": "projectOwners"},
        {"role": "READER", "user_by_email": "reader@example.com"},
    ])
gcp.serviceaccount.Account("bare", account_id="bare-contract")
"""


def dataset(name: str, **settings: object) -> str:
    """A program of one dataset."""
    arguments = ", ".join(f"{key}={value!r}" for key, value in {"dataset_id": name, **settings}.items())
    return f'gcp.bigquery.Dataset("{name}", {arguments})\n'


def account(name: str, **settings: object) -> str:
    """A program of one service account."""
    arguments = ", ".join(f"{key}={value!r}" for key, value in {"account_id": name, **settings}.items())
    return f'gcp.serviceaccount.Account("{name}", {arguments})\n'
