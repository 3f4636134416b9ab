"""Settings of channels; see trunkline_platform.settings for those that all services share."""

from pydantic import Field
from trunkline_platform.settings import Addresses, Port, ServiceSettings, service_config


class ChannelsSettings(ServiceSettings):
    """Environment prefix TRUNKLINE_CHANNELS_.

    Attributes:
        replicas: gRPC addresses of all replicas of channels, this one included; empty means this one alone.
        crm_addresses, ivr_addresses, acd_addresses: gRPC addresses of the services a contact's saga asks.
        widget_origins: web pages that may embed the chat of every tenant, with commas between; `*` for all.
        sessions_per_ip: conversations that one network address may open in a minute.
        reconcile_every_s: how often contacts are compared with acd and ivr.
        reconcile_after_s: how long a difference must last before it is ended.
    """

    model_config = service_config("channels")

    grpc_port: Port = 7081
    http_port: Port = 8081
    replicas: Addresses = Addresses()
    crm_addresses: Addresses = Addresses(("127.0.0.1:7085",))
    ivr_addresses: Addresses = Addresses(("127.0.0.1:7083",))
    acd_addresses: Addresses = Addresses(("127.0.0.1:7082",))
    widget_origins: str = ""
    sessions_per_ip: int = Field(60, ge=1, le=1_000_000)
    reconcile_every_s: float = Field(20.0, gt=0, le=3_600)
    reconcile_after_s: float = Field(60.0, gt=0, le=86_400)

    @property
    def everywhere(self) -> frozenset[str]:
        """The origins of `widget_origins`."""
        return frozenset(origin.strip() for origin in self.widget_origins.split(",") if origin.strip())
