"""The services that acd serves over gRPC besides its commands, which the platform serves (`bootstrap`)."""

from trunkline.acd.v1 import acd_service_pb2_grpc
from trunkline_platform.grpc_server import GrpcServer

from trunkline_acd.entrypoints.devices import Devices
from trunkline_acd.entrypoints.reads import AcdReads
from trunkline_acd.entrypoints.sessions import AgentSessions


def register(grpc: GrpcServer, sessions: AgentSessions, reads: AcdReads, devices: Devices) -> None:
    """Serve the streams and the reads."""
    acd_service_pb2_grpc.add_DeviceServiceServicer_to_server(devices, grpc.server)
    acd_service_pb2_grpc.add_AgentSessionServiceServicer_to_server(sessions, grpc.server)
    acd_service_pb2_grpc.add_AcdReadServiceServicer_to_server(reads, grpc.server)
