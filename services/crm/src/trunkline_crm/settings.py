"""Settings of crm; the shared ones are described in `trunkline_platform.settings`."""

from trunkline_platform.settings import Port, ServiceSettings, service_config


class CrmSettings(ServiceSettings):
    """TRUNKLINE_CRM_*: ports of gRPC and of REST, health and metrics."""

    model_config = service_config("crm")

    grpc_port: Port = 7085
    http_port: Port = 8085
