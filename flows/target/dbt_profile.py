"""Turn the document of a `dbt-cli-profile-<target>` block into a dbt profile. Pure functions.

The private key never becomes part of the profile's text. The text refers to an environment variable, which
is set only while dbt runs (`flows.engine.dbt_project`). The text is the same from run to run, so that dbt
need not parse the project anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import yaml

from flows.errors import NotSetUpError
from flows.target import names

if TYPE_CHECKING:
    from collections.abc import Mapping

# dbt keeps the values of variables with this prefix out of its logs.
SECRET = "DBT_ENV_SECRET_"  # noqa: S105 - of names
PRIVATE_KEY = f"{SECRET}BIGQUERY_PRIVATE_KEY"
# Whose identity a machine has to have; dbt-bigquery has no word for it, and passes this one over.
ATTACHED = "attached_service_account"
Way = Literal["key", "impersonation", "attached"]
_KEY_FIELDS = ("client_email", "private_key", "token_uri")


@dataclass(frozen=True)
class DbtProfile:
    """A dbt profile with one target. ``output`` refers to the variables that ``secrets`` holds.

    ``variables`` are those of the stack for the dbt project that anybody may read; its others are secrets.
    """

    name: str
    target: str
    output: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The content of `profiles.yml`: no secrets, and the same for the same block."""
        outputs = {self.target: dict(self.output)}
        return yaml.safe_dump({self.name: {"target": self.target, "outputs": outputs}}, sort_keys=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables dbt must see, and each that it keeps secret as a printed dict or JSON has it.

        dbt never reads the second form; it makes dbt blank out that form too, should an error quote it.
        """
        escaped = {
            f"{name}_ESCAPED": json.dumps(value)[1:-1]
            for name, value in self.secrets.items()
            if name.startswith(SECRET)
        }
        return {**self.variables, **self.secrets, **escaped}

    @property
    def decides(self) -> str:
        """What has to be the same for a run to be gone on with; secrets may change meanwhile."""
        return self.text + "".join(f"{name}={value}\n" for name, value in sorted(self.variables.items()))

    @property
    def way(self) -> Way:
        """How dbt signs in: as the output's `method` and `impersonate_service_account` say it to dbt."""
        if self.output["method"] == "service-account-json":
            return "key"
        return "impersonation" if self.output.get("impersonate_service_account") else "attached"

    @property
    def key(self) -> dict[str, Any]:
        """The service account's key in Google's format, private key included; only where there is one."""
        return {**self.output["keyfile_json"], "private_key": self.secrets[PRIVATE_KEY]}


def from_document(document: Mapping[str, Any], target: str) -> DbtProfile:
    """Build the profile from the data of the block `dbt-cli-profile-<target>`.

    Raises NotSetUpError, naming the block and the repairing command, if a block that it refers to is gone, if
    it belongs to another target, if project or dataset is missing, or if there is no identity. An identity is
    never guessed: without one, dbt would act as whoever is signed in on this machine.
    """
    block = names.dbt_cli_profile(target)
    if document.get("target") != target:
        raise _broken(target, block, f"is for the target {document.get('target')!r}")
    if not document.get("name"):
        raise _broken(target, block, "does not name a dbt profile")
    configs = document.get("target_configs")
    if not configs:
        raise _broken(target, block, f"does not refer to {names.bigquery_target_configs(target)}")
    output, secrets = _output(configs, target)
    environment = document.get("environment") or {"variables": {}, "secret": []}
    own = {name: value for name, value in environment["variables"].items() if name in environment["secret"]}
    return DbtProfile(
        name=document["name"],
        target=target,
        output=output,
        secrets={**own, **secrets},
        variables={name: value for name, value in environment["variables"].items() if name not in own},
    )


def _output(configs: Mapping[str, Any], target: str) -> tuple[dict[str, Any], dict[str, str]]:
    block = names.bigquery_target_configs(target)
    if configs.get("type") != "bigquery":
        raise _broken(target, block, f"is not for BigQuery but for {configs.get('type')!r}")
    credentials = configs.get("credentials") or {}
    project = configs.get("project") or credentials.get("project")
    if not project:
        raise _broken(target, block, "names no project")
    if not configs.get("schema"):
        raise _broken(target, block, "names no schema (dataset)")
    extras = {key: value for key, value in (configs.get("extras") or {}).items() if value is not None}
    identity, secrets = _identity(credentials, extras, target)
    settings = {
        "type": "bigquery",
        "project": project,
        "schema": configs["schema"],
        "threads": configs.get("threads") or 1,
    }
    # What the blocks say in fields of their own wins over their free-form extras.
    return {**extras, **settings, **identity}, secrets


def _identity(
    credentials: Mapping[str, Any], extras: Mapping[str, Any], target: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return dbt's `method` with what belongs to it, and the secrets it refers to.

    Each way to sign in is one branch here. One without a key is spelt out in the target's extras, in
    dbt-bigquery's own words: `method: oauth`, with `impersonate_service_account` or, for a machine's own
    identity, without. The latter says whose that has to be (`ATTACHED`), since dbt takes any. Where block and
    extras say different things, none of them is chosen.
    """
    block = names.gcp_credentials(target)
    key = credentials.get("service_account_info")
    method = extras.get("method")
    if key and (method not in {None, "service-account-json"} or extras.get("impersonate_service_account")):
        configs = names.bigquery_target_configs(target)
        raise _broken(target, block, f"holds a key, but {configs} says `method: {method}`, which needs none")
    if not key and method == "oauth":
        account = extras.get("impersonate_service_account")
        if not account and not extras.get(ATTACHED):
            configs = names.bigquery_target_configs(target)
            raise _broken(target, configs, f"does not say which service account dbt is (`{ATTACHED}`)")
        impersonated = {"impersonate_service_account": account} if account else {}
        return {"method": "oauth", **impersonated}, {}
    if not key:
        raise _broken(
            target,
            block,
            "holds no service account key (service_account_info), and no way to sign in without one is spelt "
            f"out in {names.bigquery_target_configs(target)} (`method: oauth`)",
        )
    missing = [name for name in _KEY_FIELDS if not key.get(name)]
    if missing:
        raise _broken(target, block, f"holds a service account key without {', '.join(missing)}")
    keyfile = {**key, "private_key": f"{{{{ env_var('{PRIVATE_KEY}') }}}}"}
    return {"method": "service-account-json", "keyfile_json": keyfile}, {PRIVATE_KEY: key["private_key"]}


def _broken(target: str, block: str, what: str) -> NotSetUpError:
    return NotSetUpError(f"the block {block} {what}. Repair it with {names.bring_up(target)}.")
