"""The provider: configuration, and each call handed to the kind of resource that it is about."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    GetSchemaResponse,
    InvokeRequest,
    InvokeResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from local.gcp_plugin import config as configuration
from local.gcp_plugin.errors import PluginError
from local.gcp_plugin.functions import FUNCTIONS
from local.gcp_plugin.google_api import Google
from local.gcp_plugin.kind import Change, Kind, Values
from local.gcp_plugin.kinds import KINDS
from local.gcp_plugin.values import to_plain, to_property_values


class GcpProvider(Provider):
    """Serves the kinds in `KINDS`."""

    def __init__(self) -> None:
        self._google = Google(configuration.Config())

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:  # noqa: ARG002
        """Return the schema of the kinds served."""
        from local.gcp_plugin.schema import package_schema  # noqa: PLC0415  seldom asked for

        return GetSchemaResponse(package_schema())

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Refuse unknown keys, and addresses that are none or are the real Google's."""
        problems = configuration.problems(to_plain(request.new_inputs))
        return CheckResponse(request.new_inputs, [CheckFailure("", problem) for problem in problems])

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Take the configuration. Which inputs are secret is left to the engine to keep track of."""
        self._google = Google(configuration.parse(to_plain(request.args)))
        return ConfigureResponse(supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Fill in defaults and report what is wrong."""
        inputs, failures = _kind(request.type).check(to_plain(request.new_inputs), self._google.config)
        return CheckResponse(
            to_property_values(inputs),
            [CheckFailure(failure.property, failure.reason) for failure in failures],
        )

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Say what has to change and whether that needs a new resource."""
        kind = _kind(request.type)
        found = kind.diff(to_plain(request.old_state), to_plain(request.new_inputs), self._google.config)
        ignored = {path.partition(".")[0].partition("[")[0] for path in request.ignore_changes}
        changes = [change for change in found if change.property not in ignored]
        replaces = [change.property for change in changes if change.replaces]
        return DiffResponse(
            changes=bool(changes),
            replaces=replaces,
            diffs=[change.property for change in changes],
            delete_before_replace=bool(replaces) and kind.delete_before_replace,
            detailed_diff={
                change.property: PropertyDiff(_diff_kind(change), input_diff=False) for change in changes
            },
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Create the resource, or tell in a preview what is known of it."""
        kind, inputs = _kind(request.type), to_plain(request.properties)
        if request.preview:
            return CreateResponse("", _outputs(kind, kind.preview(inputs, self._google.config)))
        found = await kind.create(self._google, inputs)
        return CreateResponse(found.id, _outputs(kind, found.outputs))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Refresh or import; a resource that is gone has an empty id."""
        kind, state = _kind(request.type), to_plain(request.properties)
        found = await kind.read(self._google, request.resource_id, state)
        if found is None:
            return ReadResponse("", {}, {})
        inputs = kind.inputs_of(found.outputs, to_plain(request.inputs))
        return ReadResponse(found.id, _outputs(kind, found.outputs), to_property_values(inputs))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Change the resource in place."""
        kind, state, inputs = _kind(request.type), to_plain(request.olds), to_plain(request.news)
        if request.preview:
            expected = {**state, **kind.preview_update(inputs, self._google.config)}
            return UpdateResponse(_outputs(kind, expected))
        return UpdateResponse(
            _outputs(kind, await kind.update(self._google, request.resource_id, state, inputs))
        )

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Call a function."""
        if request.tok not in FUNCTIONS:
            raise PluginError(
                f"the local gcp plugin does not serve the function {request.tok}; it serves "
                f"{', '.join(sorted(FUNCTIONS))}. For others use the official plugin."
            )
        return InvokeResponse(to_property_values(await FUNCTIONS[request.tok](self._google)))

    async def delete(self, request: DeleteRequest) -> None:
        """Delete the resource."""
        await _kind(request.type).delete(self._google, request.resource_id, to_plain(request.properties))


def _kind(qualified: str) -> Kind:
    # In the URN of a component's child, the parents' types come first, each followed by `$`.
    token = qualified.rpartition("$")[2]
    if token not in KINDS:
        raise PluginError(
            f"the local gcp plugin does not serve {token}; it serves {', '.join(sorted(KINDS))}. "
            "For others use the official plugin."
        )
    return KINDS[token]


def _outputs(kind: Kind, values: Values) -> dict[str, PropertyValue]:
    return to_property_values(values, kind.secret_outputs)


def _diff_kind(change: Change) -> PropertyDiffKind:
    kinds: Sequence[PropertyDiffKind]
    if not change.had:
        kinds = (PropertyDiffKind.ADD, PropertyDiffKind.ADD_REPLACE)
    elif not change.wanted:
        kinds = (PropertyDiffKind.DELETE, PropertyDiffKind.DELETE_REPLACE)
    else:
        kinds = (PropertyDiffKind.UPDATE, PropertyDiffKind.UPDATE_REPLACE)
    return kinds[change.replaces]
