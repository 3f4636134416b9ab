"""acd's settings: environment variables TRUNKLINE_ACD_…, and those that all services share."""

from trunkline_platform.settings import Port, ServiceSettings, service_config


class AcdSettings(ServiceSettings):
    """What acd needs besides the shared settings."""

    model_config = service_config("acd")

    grpc_port: Port = 7082
    http_port: Port = 8082
