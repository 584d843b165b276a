"""gcp:bigquery/dataset:Dataset over BigQuery's datasets API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from local.gcp_plugin.config import Config
from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import (
    Change,
    Found,
    Kind,
    Property,
    Values,
    check_deletion_policy,
    deletes,
    project_of,
)

ATTRIBUTION = {"goog-pulumi-provisioned": "true"}
_PARAMS = {"accessPolicyVersion": "3"}
_TEXT_ACCESS = ("domain", "groupByEmail", "iamMember", "role", "specialGroup", "userByEmail")
_OTHER_ACCESS = ("condition", "dataset", "routine", "view")
_SAME_NAMES = (
    "defaultCollation",
    "defaultEncryptionConfiguration",
    "description",
    "externalCatalogDatasetOptions",
    "externalDatasetReference",
    "friendlyName",
    "isCaseInsensitive",
    "labels",
    "location",
    "maxTimeTravelHours",
    "resourceTags",
    "storageBillingModel",
)
_MILLISECONDS = ("defaultPartitionExpirationMs", "defaultTableExpirationMs")


def check_dataset_id(value: str) -> list[str]:
    """Rule for `datasetId`."""
    if not re.fullmatch(r"[0-9A-Za-z_]+", value):
        return [
            '"dataset_id" must contain only letters (a-z, A-Z), numbers (0-9), or underscores (_), '
            f"not {value!r}"
        ]
    return ['"dataset_id" cannot be greater than 1,024 characters'] if len(value) > 1024 else []


def _check_expiration(value: int) -> list[str]:
    # 0 takes the setting away.
    return [f"must be at least 3600000 ms (one hour), not {value}"] if 0 < value < 3_600_000 else []


def _check_labels(value: Mapping[str, Any]) -> list[str]:
    return [f"label {key!r} must be a string" for key, item in value.items() if not isinstance(item, str)]


class Dataset(Kind):
    """A BigQuery dataset.

    Labels: `labels` are the program's, `pulumiLabels` add the provider's default ones, and
    `effectiveLabels` are all that the service has. Labels that someone else put there are left alone.
    """

    token = "gcp:bigquery/dataset:Dataset"  # noqa: S105
    service = "bigquery"
    properties: ClassVar[Mapping[str, Property]] = {
        "accesses": Property(type=list, kept=True, same=lambda had, wanted: _access(had) == _access(wanted)),
        "datasetId": Property(required=True, replaces=True, rule=check_dataset_id),
        "defaultCollation": Property(kept=True),
        "defaultEncryptionConfiguration": Property(type=dict),
        "defaultPartitionExpirationMs": Property(type=int, absent=0, rule=_check_expiration),
        "defaultTableExpirationMs": Property(type=int, absent=0, rule=_check_expiration),
        "deleteContentsOnDestroy": Property(type=bool, absent=False),
        "deletionPolicy": Property(absent="DELETE", rule=check_deletion_policy),
        "description": Property(absent=""),
        "externalCatalogDatasetOptions": Property(type=dict),
        "externalDatasetReference": Property(type=dict, replaces=True),
        "friendlyName": Property(absent=""),
        "isCaseInsensitive": Property(type=bool, kept=True),
        "labels": Property(type=dict, rule=_check_labels),
        "location": Property(replaces=True, default="US", same=lambda a, b: str(a).lower() == str(b).lower()),
        "maxTimeTravelHours": Property(kept=True),
        "project": Property(replaces=True, from_provider=True),
        "resourceTags": Property(type=dict),
        "storageBillingModel": Property(kept=True),
    }
    outputs = ("creationTime", "effectiveLabels", "etag", "lastModifiedTime", "pulumiLabels", "selfLink")
    secret_outputs = frozenset({"effectiveLabels", "pulumiLabels"})

    def predict(self, inputs: Values, config: Config) -> Values:
        """Labels are known beforehand."""
        labels = _wanted_labels(inputs, config, attribution=config.attribution_label)
        return {"pulumiLabels": labels, "effectiveLabels": labels}

    def diff(self, state: Values, inputs: Values, config: Config) -> list[Change]:
        """Compare inputs, and the labels that come from the provider's configuration."""
        changes = super().diff(state, inputs, config)
        had = state.get("pulumiLabels")
        if had is None or any(change.property == "labels" for change in changes):
            return changes
        if had != _wanted_labels(inputs, config, attribution=had.items() >= ATTRIBUTION.items()):
            changes.append(Change("pulumiLabels", had=True, wanted=True, replaces=False))
        return changes

    async def create(self, google: Google, inputs: Values) -> Found:
        """Insert the dataset."""
        project = project_of(inputs, google.config)
        labels = _wanted_labels(inputs, google.config, attribution=google.config.attribution_label)
        body = _body({**inputs, "labels": labels})
        answer = await google.call(
            "bigquery",
            "POST",
            f"projects/{project}/datasets",
            doing="creating Dataset",
            body=body,
            params=_PARAMS,
        )
        return _found(answer, inputs, labels)

    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:
        """Get the dataset, with labels as far as they were ours."""
        path = _path(resource_id, google.config)
        try:
            answer = await google.call("bigquery", "GET", path, doing="reading Dataset", params=_PARAMS)
        except GoogleError as error:
            if error.status == 404:
                return None
            raise
        return _found(answer, state, state.get("pulumiLabels") or {})

    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:
        """Replace the dataset's settings, but never its access list unless the program gives one."""
        had = state.get("pulumiLabels") or {}
        wanted = _wanted_labels(inputs, google.config, attribution=had.items() >= ATTRIBUTION.items())
        others = {k: v for k, v in (state.get("effectiveLabels") or {}).items() if k not in had}
        settings = {
            "description": "",
            "friendlyName": "",
            **_kept(state),
            **inputs,
            "labels": {**others, **wanted},
        }
        answer = await google.call(
            "bigquery",
            "PUT",
            _path(resource_id, google.config),
            doing="updating Dataset",
            body=_body(settings),
            params=_PARAMS,
        )
        return _found(answer, inputs, wanted).outputs

    async def delete(self, google: Google, resource_id: str, state: Values) -> None:
        """Delete the dataset; its tables only where the program said so."""
        path = _path(resource_id, google.config)
        if not deletes(state, f"Dataset {resource_id}"):
            return
        contents = "true" if state.get("deleteContentsOnDestroy") else "false"
        try:
            await google.call(
                "bigquery", "DELETE", path, doing="deleting Dataset", params={"deleteContents": contents}
            )
        except GoogleError as error:
            if error.status != 404:
                raise


def _wanted_labels(inputs: Values, config: Config, *, attribution: bool) -> dict[str, str]:
    return {**(ATTRIBUTION if attribution else {}), **config.default_labels, **(inputs.get("labels") or {})}


def _kept(state: Values) -> Values:
    """What the service chose: a PUT without it would take it away. Access is not part of that."""
    kept = (key for key, prop in Dataset.properties.items() if prop.kept and key != "accesses")
    return {key: state[key] for key in kept if state.get(key)}


def _body(settings: Values) -> Values:
    body: Values = {key: settings[key] for key in _SAME_NAMES if settings.get(key) is not None}
    body |= {key: str(int(settings[key])) for key in _MILLISECONDS if settings.get(key)}
    if settings.get("accesses") is not None:
        body["access"] = [
            {key: item for key, item in entry.items() if item not in (None, "")}
            for entry in settings["accesses"]
        ]
    return {"datasetReference": {"datasetId": settings["datasetId"]}, **body}


def _found(answer: Values, inputs: Values, pulumi_labels: Mapping[str, str]) -> Found:
    reference = answer["datasetReference"]
    labels = answer.get("labels") or {}
    # Only labels that the program gave are the program's; the provider's own stay out of `labels`.
    given = inputs.get("labels")
    outputs: Values = {
        **{key: answer.get(key) for key in _SAME_NAMES},
        **{key: int(answer.get(key) or 0) for key in _MILLISECONDS},
        "accesses": [_padded(entry) for entry in sorted(answer.get("access") or [], key=_rank)],
        "creationTime": int(answer.get("creationTime") or 0),
        "datasetId": reference["datasetId"],
        "defaultCollation": answer.get("defaultCollation") or "",
        "deleteContentsOnDestroy": bool(inputs.get("deleteContentsOnDestroy")),
        "deletionPolicy": inputs.get("deletionPolicy") or "DELETE",
        "description": answer.get("description") or "",
        "effectiveLabels": labels,
        "etag": answer.get("etag"),
        "friendlyName": answer.get("friendlyName") or "",
        "isCaseInsensitive": bool(answer.get("isCaseInsensitive")),
        "labels": None if given is None else {key: labels[key] for key in given if key in labels},
        "lastModifiedTime": int(answer.get("lastModifiedTime") or 0),
        "project": reference["projectId"],
        "pulumiLabels": {key: labels[key] for key in pulumi_labels if key in labels},
        "selfLink": answer.get("selfLink"),
        "storageBillingModel": answer.get("storageBillingModel") or "",
    }
    resource_id = f"projects/{reference['projectId']}/datasets/{reference['datasetId']}"
    return Found(resource_id, {"id": resource_id, **outputs})


def _padded(entry: Values) -> Values:
    return {key: entry.get(key, "") for key in _TEXT_ACCESS} | {key: entry.get(key) for key in _OTHER_ACCESS}


def _rank(entry: Values) -> tuple[str, ...]:
    return (entry.get("role", ""), entry.get("specialGroup", ""), json.dumps(entry, sort_keys=True))


def _access(entries: list[Values]) -> list[str]:
    """Access entries as a set: neither their order nor empty fields count."""
    return sorted(json.dumps({k: v for k, v in entry.items() if v}, sort_keys=True) for entry in entries)


def _path(resource_id: str, config: Config) -> str:
    """Take the ids that the official plugin imports: the full path, project/dataset, or the dataset."""
    match = re.fullmatch(r"(?:(?:projects/)?(?P<project>[^/]+)/(?:datasets/)?)?(?P<dataset>\w+)", resource_id)
    if match is None:
        raise PluginError(
            f"{resource_id!r} is not a dataset's id: write projects/PROJECT/datasets/DATASET_ID, "
            "PROJECT/DATASET_ID or DATASET_ID"
        )
    return f"projects/{match['project'] or config.project}/datasets/{match['dataset']}"
