"""What everything of an environment is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import ValidationInfo

# Of a service account's name: https://cloud.google.com/iam/docs/service-accounts-create
LONGEST_ACCOUNT = 30
_PREFIX = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class Names:
    """The names of one environment's objects in Prefect, and of its service account.

    `flows.target.names` has the same for those that a flow asks for.
    """

    environment: str
    prefix: str = ""

    @property
    def pipeline(self) -> str:
        """Work pool, deployment, concurrency limit and service account."""
        return self._of("dbt")

    def deployment(self, name: str) -> str:
        """A further deployment."""
        return f"{self.pipeline}-{name}"

    @property
    def alerts(self) -> str:
        """The automation that tells of bad runs."""
        return f"{self.pipeline}-alerts"

    @property
    def lost_runs(self) -> str:
        """The automation that ends runs whose machine is gone."""
        return f"{self.pipeline}-lost"

    def block(self, kind: str) -> str:
        """A block, by what it is, such as `gcp-credentials`."""
        return self._of(kind)

    def _of(self, kind: str) -> str:
        return "-".join(part for part in (self.prefix, kind, self.environment) if part)


def check_prefix(value: str, info: ValidationInfo) -> str:
    """Return a prefix; raise ValueError for one that can't be in a name, or makes one too long."""
    if not value:
        return value
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} is no beginning of a name: small letters, digits and inner dashes")
    account = Names(info.data.get("environment", ""), value).pipeline
    if len(account) > LONGEST_ACCOUNT:
        raise ValueError(
            f"with it the service account would be {account}, and Google takes {LONGEST_ACCOUNT} characters "
            f"at most: {len(account) - LONGEST_ACCOUNT} too many"
        )
    return value
