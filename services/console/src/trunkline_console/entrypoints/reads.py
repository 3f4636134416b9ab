"""The routing policy over gRPC, as it is and was: what `policies` tells over REST. Must not: change anything."""

from collections.abc import Callable
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from trunkline.directory.v1 import directory_service_pb2, directory_service_pb2_grpc
from trunkline_core.errors import Invalid
from trunkline_platform.credentials import Role
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.wire import timestamp

from trunkline_console.adapters.policies import QUEUE, differences
from trunkline_console.domain import policies
from trunkline_console.domain.state import Directory, PolicyVersion

_CHANGES: Final = {
    "added": directory_service_pb2.QUEUE_CHANGE_ADDED,
    "removed": directory_service_pb2.QUEUE_CHANGE_REMOVED,
    "changed": directory_service_pb2.QUEUE_CHANGE_CHANGED,
}


class DirectoryReads(directory_service_pb2_grpc.DirectoryReadServiceServicer):
    """Answers from the directory as this replica has read it."""

    def __init__(self, directory_of: Callable[[str], Directory]) -> None:
        """`directory_of`: the state that holds a tenant's directory."""
        self._directory_of = directory_of

    async def GetRoutingPolicy(
        self, request: directory_service_pb2.GetRoutingPolicyRequest, context: Any
    ) -> directory_service_pb2.GetRoutingPolicyResponse:
        """Return the queues of a version. Raises: Forbidden; Invalid; NotFound for one that is not kept."""
        tenant, state = self._enter()
        version = _checked("version", request.version) or state.policy(tenant).version
        queues = policies.content(state, tenant, version)
        return directory_service_pb2.GetRoutingPolicyResponse(
            version=version, queues=[QUEUE.to_message(queues[queue_id]) for queue_id in sorted(queues)]
        )

    async def ListRoutingPolicies(
        self, request: directory_service_pb2.ListRoutingPoliciesRequest, context: Any
    ) -> directory_service_pb2.ListRoutingPoliciesResponse:
        """Return how each kept version came to be. Raises: Forbidden."""
        tenant, state = self._enter()
        kept = policies.versions(state, tenant)
        return directory_service_pb2.ListRoutingPoliciesResponse(versions=map(_version, kept))

    async def CompareRoutingPolicies(
        self, request: directory_service_pb2.CompareRoutingPoliciesRequest, context: Any
    ) -> directory_service_pb2.CompareRoutingPoliciesResponse:
        """Return what differs between two versions. Raises: Forbidden; Invalid; NotFound for one that is not kept."""
        tenant, state = self._enter()
        wanted = {"from_version": request.from_version, "to_version": request.to_version}
        before, after = (policies.content(state, tenant, _checked(*each)) for each in wanted.items())
        return directory_service_pb2.CompareRoutingPoliciesResponse(queues=map(_difference, differences(before, after)))

    def _enter(self) -> tuple[str, Directory]:
        principal = current_principal()
        principal.require(Role.ADMIN, Role.SERVICE)
        return principal.tenant, self._directory_of(principal.tenant)


def _checked(field: str, version: int) -> int:
    if version < 0:
        raise Invalid(field, "must not be negative")
    return version


def _version(version: PolicyVersion) -> directory_service_pb2.RoutingPolicyVersion:
    return directory_service_pb2.RoutingPolicyVersion(
        version=version.version,
        published_time=timestamp(version.published_time),
        actor=version.actor,
        note=version.note,
        rolled_back_to=version.rolled_back_to,
        changed_queue_ids=[replaced.queue_id for replaced in version.replaced],
    )


def _difference(queue: dict[str, Any]) -> directory_service_pb2.QueueDifference:
    fields = (
        directory_service_pb2.FieldDifference(
            field=each["field"], from_value=_value(each["from"]), to_value=_value(each["to"])
        )
        for each in queue["fields"]
    )
    return directory_service_pb2.QueueDifference(
        queue_id=queue["queue_id"], change=_CHANGES[queue["change"]], fields=fields
    )


def _value(found: Any) -> Value | None:
    return None if found is None else json_format.ParseDict(found, Value())
