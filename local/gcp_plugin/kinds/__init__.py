"""The kinds of resources this plugin serves, by type token."""

from __future__ import annotations

from collections.abc import Mapping

from local.gcp_plugin.kind import Kind
from local.gcp_plugin.kinds.account import Account
from local.gcp_plugin.kinds.dataset import Dataset
from local.gcp_plugin.kinds.dataset_iam_member import DatasetIamMember
from local.gcp_plugin.kinds.key import Key
from local.gcp_plugin.kinds.project_iam_member import ProjectIamMember
from local.gcp_plugin.kinds.project_service import ProjectService
from local.gcp_plugin.kinds.service_account_iam_member import ServiceAccountIamMember

KINDS: Mapping[str, Kind] = {
    kind.token: kind
    for kind in (
        Account(),
        Dataset(),
        DatasetIamMember(),
        Key(),
        ProjectIamMember(),
        ProjectService(),
        ServiceAccountIamMember(),
    )
}
