"""Mistakes that lie in two settings which don't go together."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

# Their type in pydantic; each says by itself what to do, for the stack `<stack>`.
MIX = "mix"


def without_effect(setting: str, why: str, instead: str) -> PydanticCustomError:
    """Return the error for a setting that another one leaves without effect.

    `instead` is that other setting with a value that would give it one, as `pulumi config set` takes them.
    """
    return PydanticCustomError(
        MIX,
        "{why}. Remove this line (`pulumi config rm {setting} -s <stack>`), or set "
        "`pulumi config set {instead} -s <stack>`",
        {"why": why, "setting": setting, "instead": instead},
    )
