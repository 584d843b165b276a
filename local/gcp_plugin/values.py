"""Pulumi's property values as plain Python values, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

__all__ = ["UNKNOWN", "holds_unknown", "to_plain", "to_property_values"]


def to_plain(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Unwrap secrets and containers. A value not known yet is the string `UNKNOWN`, as on the wire."""
    return {key: _plain(value) for key, value in values.items()}


def to_property_values(
    values: Mapping[str, Any], secret: frozenset[str] = frozenset()
) -> dict[str, PropertyValue]:
    """Wrap plain values; the keys in `secret` become secrets unless they are null."""
    return {
        key: _wrapped(value).with_secret(key in secret and value is not None) for key, value in values.items()
    }


def holds_unknown(value: Any) -> bool:
    """Whether the value, or anything inside it, is not known yet."""
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def _plain(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Mapping):
        return {key: _plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_plain(item) for item in inner]
    return inner


def _wrapped(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({key: _wrapped(item) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([_wrapped(item) for item in value])
    # The wire knows one kind of number; PropertyValue refuses int.
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)
