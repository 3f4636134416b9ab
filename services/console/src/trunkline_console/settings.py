"""What console is told by its environment, prefix TRUNKLINE_CONSOLE_."""

from pathlib import Path

from trunkline_platform.settings import Addresses, Port, ServiceSettings, service_config

PACKAGE = Path(__file__).resolve().parent


class ConsoleSettings(ServiceSettings):
    """Settings of one console replica.

    Attributes:
        acd_addresses, channels_addresses: gRPC addresses of all replicas: desks hold a stream to each.
        ticketing_addresses, crm_addresses: gRPC addresses for commands.
        ticketing_url, crm_url: REST for reading.
        channels_url: how the customer's browser reaches the chat edge.
        tenant: whom the log-in page belongs to.
        seed: YAML file applied at each start; empty for none.
        web_root: the built pages.
        secure_cookies: true behind HTTPS.
    """

    model_config = service_config("console")

    grpc_port: Port = 7080
    http_port: Port = 8080
    acd_addresses: Addresses = ("127.0.0.1:7082",)
    channels_addresses: Addresses = ("127.0.0.1:7081",)
    ticketing_addresses: Addresses = ("127.0.0.1:7084",)
    crm_addresses: Addresses = ("127.0.0.1:7085",)
    ticketing_url: str = "http://127.0.0.1:8084"
    crm_url: str = "http://127.0.0.1:8085"
    channels_url: str = "http://127.0.0.1:8081"
    tenant: str = "tn_demo"
    seed: str = str(PACKAGE / "seeds" / "demo.yaml")
    web_root: Path = PACKAGE.parents[1] / "web" / "dist"
    secure_cookies: bool = False
