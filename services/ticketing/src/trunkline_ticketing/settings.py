"""Settings of ticketing; the shared ones are described in `trunkline_platform.settings`."""

from trunkline_platform.settings import Addresses, Port, ServiceSettings, service_config


class TicketingSettings(ServiceSettings):
    """TRUNKLINE_TICKETING_*: ports of gRPC and of REST, health and metrics.

    Attributes:
        notice_hosts: host:port of receivers of notices that may have any address, also without TLS.
    """

    model_config = service_config("ticketing")

    grpc_port: Port = 7084
    http_port: Port = 8084
    notice_hosts: Addresses = Addresses()
