"""Who dbt is in BigQuery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_gcp as gcp

from infra.component import Component, own
from infra.google import answers, new_key
from infra.settings import Dataset

ACT_AS = "roles/iam.serviceAccountTokenCreator"


@dataclass(frozen=True)
class IdentityArgs:
    """Who dbt is, and what it may do.

    Attributes:
        project: the Google project that the account is in.
        jobs_project: the one that dbt's jobs run in.
        account: the service account's name.
        environment: shown beside it.
        datasets: those on which the account gets a role.
        ids: their names, each known when the dataset is there.
        project_metadata: whether it may see what all datasets of the project hold, but no rows.
        way: how dbt signs in (`infra.settings.groups.sign_in`).
        impersonators: who may act as the account; where there is none, who brings the stack up first.
        key_rotation: another text makes another key.
    """

    project: str
    jobs_project: str
    account: str
    environment: str
    datasets: Sequence[Dataset]
    ids: Mapping[str, pulumi.Input[str]]
    project_metadata: bool = False
    way: Literal["key", "impersonation", "attached"] = "key"
    impersonators: Sequence[str] = ()
    key_rotation: str = ""


class Identity(Component):
    """Owns dbt's service account, just the roles that dbt needs, and one way to sign in as it.

    Roles: run jobs in the project, and on each dataset what the settings say: write, read, or give access.
    The way to sign in is a key, or the right of some people to act as the account, or neither where machines
    are given the account. Does not own anybody else's access, and gives none that reaches beyond these
    datasets, but to names and columns where a setting says so.

    Attributes:
        account: the service account.
        service_account_info: its key in Google's format, secret; None where no key exists.
        dbt_sign_in: what dbt's target says of a sign-in without a key, in dbt-bigquery's own words. It has
            none for the account that a machine has to be: that is a word of the flow's, which dbt ignores.
    """

    def __init__(
        self,
        name: str,
        args: IdentityArgs,
        after: Sequence[pulumi.Input[pulumi.Resource]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.account = gcp.serviceaccount.Account(
            "service-account",
            account_id=args.account,
            display_name=f"dbt ({args.environment})",
            description="Runs dbt from Prefect.",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after]),
        )
        member = self.account.email.apply(lambda email: f"serviceAccount:{email}")
        run_jobs = gcp.projects.IAMMember(
            "run-jobs", project=args.jobs_project, role="roles/bigquery.jobUser", member=member, opts=child
        )
        grants: list[pulumi.Resource] = [
            gcp.bigquery.DatasetIamMember(
                f"{'write' if dataset.written else 'read'}-{dataset.key}",
                dataset_id=args.ids[dataset.key],
                project=dataset.project if dataset.project != args.project else None,
                role=dataset.role,
                member=member,
                opts=child,
            )
            for dataset in args.datasets
        ]
        if args.project_metadata:
            metadata = gcp.projects.IAMMember(
                "see-metadata",
                project=args.project,
                role="roles/bigquery.metadataViewer",
                member=member,
                opts=child,
            )
            grants.append(metadata)
        # The way in comes last: whoever has it can work at once.
        last = pulumi.ResourceOptions(parent=self, depends_on=[run_jobs, *grants])
        self.service_account_info: pulumi.Output[dict[str, Any]] | None = None
        self.dbt_sign_in: dict[str, pulumi.Input[str]] = {}
        if args.way == "key":
            self.service_account_info = self._key(args.key_rotation, last)
        else:
            self.dbt_sign_in["method"] = "oauth"
        if args.way == "impersonation":
            self._let_act(args.impersonators, last)
            self.dbt_sign_in["impersonate_service_account"] = self.account.email
        if args.way == "attached":
            self.dbt_sign_in["attached_service_account"] = self.account.email
        self.register_outputs({"email": self.account.email})

    def _key(self, rotation: str, opts: pulumi.ResourceOptions) -> pulumi.Output[dict[str, Any]]:
        """Make a key, and a new one for another `rotation`: the old one goes when the block has the new.

        The block gets it when Google knows it everywhere, so that no flow is refused.
        """
        key = gcp.serviceaccount.Key(
            "key",
            service_account_id=self.account.name,
            keepers={"rotation": rotation} if rotation else None,
            opts=opts,
        )
        parts = pulumi.Output.all(key.private_key, key.valid_after)
        return pulumi.Output.secret(parts.apply(lambda known: new_key.usable(*known)))

    def _let_act(self, members: Sequence[str], opts: pulumi.ResourceOptions) -> None:
        for member in members:
            gcp.serviceaccount.IAMMember(
                f"act-as-{member}",
                service_account_id=self.account.name,
                role=ACT_AS,
                member=member,
                opts=opts,
            )
        if not members:
            self._let_who_runs_this_act(opts)

    def _let_who_runs_this_act(self, opts: pulumi.ResourceOptions) -> None:
        """Let act who brings the stack up first. The next one takes nothing away, and is told."""
        caller, access = answers.who_runs_this(), answers.token()
        grant = gcp.serviceaccount.IAMMember(
            "act-as-who-brought-it-up",
            service_account_id=self.account.name,
            role=ACT_AS,
            member=caller,
            # Another than that of `impersonators` to the same member, which may take its place.
            condition=gcp.serviceaccount.IAMMemberConditionArgs(**own("brought the stack up first")),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["member"])),
        )
        grant.member.apply(lambda member: _tell(member, caller))
        granted = pulumi.Output.all(self.account.email, grant.member, grant.etag)

        async def wait(known: list[str]) -> None:
            if known[1] == caller:
                await answers.grant_in_force(known[0], caller, access)

        _: pulumi.Output[None] = granted.apply(wait)


def _tell(member: str, caller: str) -> None:
    stack = pulumi.get_stack()
    name = f"pulumi config set --path 'impersonators[{{}}]' {{}} -s {stack}".format
    if member == caller:
        pulumi.log.info(
            f"{caller}, who runs this, may act as dbt's service account, because `impersonators` is empty. "
            f"To let a worker, too: `{name(0, member)} && {name(1, 'serviceAccount:WORKER')}`"
        )
        return
    pulumi.log.warn(
        f"{caller}, who runs this, may not act as dbt's service account; {member}, who brought the stack up "
        f"first, may. For both: `{name(0, member)} && {name(1, caller)}`"
    )
