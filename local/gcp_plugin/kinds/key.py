"""gcp:serviceaccount/key:Key over IAM's service account keys API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from local.gcp_plugin.errors import GoogleError, PluginError
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Found, Kind, Property, Values, check_deletion_policy, deletes

_CHOICES = {
    "keyAlgorithm": ("KEY_ALG_UNSPECIFIED", "KEY_ALG_RSA_1024", "KEY_ALG_RSA_2048"),
    "privateKeyType": ("TYPE_UNSPECIFIED", "TYPE_PKCS12_FILE", "TYPE_GOOGLE_CREDENTIALS_FILE"),
    "publicKeyType": ("TYPE_NONE", "TYPE_X509_PEM_FILE", "TYPE_RAW_PUBLIC_KEY"),
}


def _choice(key: str, default: str) -> Property:
    choices = _CHOICES[key]

    def rule(value: str) -> list[str]:
        return [] if value in choices else [f"{key!r} must be one of {', '.join(choices)}, not {value!r}"]

    return Property(replaces=True, default=default, rule=rule)


class Key(Kind):
    """A service account's key. The service gives the private half once; then only the state keeps it."""

    token = "gcp:serviceaccount/key:Key"  # noqa: S105
    service = "iam"
    properties: ClassVar[Mapping[str, Property]] = {
        "deletionPolicy": Property(absent="DELETE", rule=check_deletion_policy),
        "keepers": Property(type=dict, replaces=True),
        "keyAlgorithm": _choice("keyAlgorithm", "KEY_ALG_RSA_2048"),
        "privateKeyType": _choice("privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE"),
        "publicKeyData": Property(replaces=True),
        "publicKeyType": _choice("publicKeyType", "TYPE_X509_PEM_FILE"),
        "serviceAccountId": Property(required=True, replaces=True),
    }
    outputs = ("name", "privateKey", "publicKey", "validAfter", "validBefore")
    secret_outputs = frozenset({"privateKey"})

    async def create(self, google: Google, inputs: Values) -> Found:
        """Have the service make a key, or take the public half that is given."""
        keys = f"{_account(inputs['serviceAccountId'])}/keys"
        if inputs.get("publicKeyData"):
            path, body = f"{keys}:upload", {"publicKeyData": inputs["publicKeyData"]}
        else:
            path, body = keys, {key: inputs[key] for key in ("keyAlgorithm", "privateKeyType")}
        made = await google.call("iam", "POST", path, doing="creating service account key", body=body)
        state = {**inputs, "privateKey": made.get("privateKeyData")}
        try:
            found = await self.read(google, made["name"], state)
        except PluginError:
            # The key exists and its private half is only here: a failed look back must not lose it.
            found = None
        return found or _found(made, state)

    async def read(self, google: Google, resource_id: str, state: Values) -> Found | None:
        """Get the key's public side."""
        if not state:
            raise PluginError(
                f"{resource_id}: a Key cannot be imported, because the service never gives "
                "its private half again. Let the program create a new one."
            )
        kind = state.get("publicKeyType") or "TYPE_X509_PEM_FILE"
        try:
            answer = await google.call(
                "iam",
                "GET",
                resource_id,
                doing="reading service account key",
                params={"publicKeyType": kind},
            )
        except GoogleError as error:
            if error.status == 404:
                return None
            raise
        # A key that is switched off can't sign anyone in; the official plugin counts it as gone too.
        return None if answer.get("disabled") else _found(answer, state)

    async def update(self, google: Google, resource_id: str, state: Values, inputs: Values) -> Values:  # noqa: ARG002
        """Only the deletion policy changes in place, and the service knows nothing of it."""
        return {**state, "deletionPolicy": inputs.get("deletionPolicy") or "DELETE"}

    async def delete(self, google: Google, resource_id: str, state: Values) -> None:
        """Revoke the key."""
        if not deletes(state, "Key"):
            return
        try:
            await google.call("iam", "DELETE", resource_id, doing="deleting service account key")
        except GoogleError as error:
            if error.status != 404:
                raise


def _account(service_account_id: str) -> str:
    if service_account_id.startswith("projects/"):
        return service_account_id
    # `-` lets the service find the project from the address or the unique id.
    return f"projects/-/serviceAccounts/{service_account_id}"


def _found(answer: Values, state: Values) -> Found:
    return Found(
        answer["name"],
        {
            "deletionPolicy": state.get("deletionPolicy") or "DELETE",
            "id": answer["name"],
            "keepers": state.get("keepers"),
            "keyAlgorithm": answer.get("keyAlgorithm") or state["keyAlgorithm"],
            "name": answer["name"],
            "privateKey": state.get("privateKey"),
            "privateKeyType": state["privateKeyType"],
            "publicKey": answer.get("publicKeyData"),
            "publicKeyData": state.get("publicKeyData"),
            "publicKeyType": state["publicKeyType"],
            "serviceAccountId": state["serviceAccountId"],
            "validAfter": answer.get("validAfterTime"),
            "validBefore": answer.get("validBeforeTime"),
        },
    )
