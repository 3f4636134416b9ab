"""Every ledger of the product with the rules that decide it. The only list of all of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trunkline_acd.bootstrap import ledger_service as acd
from trunkline_channels.bootstrap import SERVICE as CHANNELS
from trunkline_console.bootstrap import ledger_service as console
from trunkline_core.errors import Misconfigured
from trunkline_crm.bootstrap import SERVICE as CRM
from trunkline_ivr.bootstrap import SERVICE as IVR
from trunkline_ledger.service import LedgerService
from trunkline_ticketing.bootstrap import SERVICE as TICKETING

LEDGERS: Final[Mapping[str, LedgerService[Any, Any, Any]]] = {
    service.topic: service for service in (acd(), CHANNELS, console(), CRM, IVR, TICKETING)
}


def chosen(topics: Sequence[str]) -> dict[str, LedgerService[Any, Any, Any]]:
    """Return these ledgers, all of them when none is named. Raises: Misconfigured for a topic that is none."""
    for topic in topics:
        if topic not in LEDGERS:
            raise Misconfigured(f"{topic} is no ledger: choose from {', '.join(sorted(LEDGERS))}.")
    return {topic: LEDGERS[topic] for topic in topics or sorted(LEDGERS)}
