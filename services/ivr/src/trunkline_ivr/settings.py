"""Settings of ivr; the shared ones are described in `trunkline_platform.settings`."""

from trunkline_platform.settings import Port, ServiceSettings, service_config


class IvrSettings(ServiceSettings):
    """TRUNKLINE_IVR_*: ports of gRPC and of health and metrics."""

    model_config = service_config("ivr")

    grpc_port: Port = 7083
    http_port: Port = 8083
