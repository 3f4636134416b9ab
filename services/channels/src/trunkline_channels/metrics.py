"""Metrics of channels, beside those of trunkline_platform.metrics. No label carries an id or a tenant."""

from typing import Final

from prometheus_client import Gauge
from trunkline_platform.metrics import REGISTRY

STEPS_RUNNING: Final = Gauge(
    "trunkline_channels_steps_running", "Steps of contacts that are being carried out.", registry=REGISTRY
)
STEP_RETRIES: Final = Gauge(
    "trunkline_channels_step_retries", "Tries of steps that had to be repeated since start.", registry=REGISTRY
)
STEP_REFUSALS: Final = Gauge(
    "trunkline_channels_step_refusals", "Steps that were refused for good since start.", registry=REGISTRY
)
CHAT_PAGES: Final = Gauge("trunkline_channels_chat_pages", "Open sockets of chat pages.", registry=REGISTRY)
CONTACTS: Final = Gauge(
    "trunkline_channels_contacts", "Contacts in memory in the partitions owned here.", registry=REGISTRY
)
ENTRY_POINTS: Final = Gauge(
    "trunkline_channels_entry_points", "Entry points that every partition knows.", registry=REGISTRY
)
