"""What a chaos run is told, by environment. Owns: CHAOS_…, and one sentence about what is wrong."""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """One run.

    Attributes:
        minutes: of faults under load.
        seed: of every choice; printed, and taken again with CHAOS_SEED.
        brokers: 1 or 3.
        contacts_per_s: that come in.
        agents: of all shops together.
        shops: tenants; each is a routing domain, so a partition's work.
        faults: names of those that may be drawn; empty for all.
        keeps_evidence: write a page into docs/evidence.
        bug: planted into every acd; empty for none.
        settles_within_s: how long the centre may take afterwards without anything that was wrong becoming right.
    """

    minutes: float = 10.0
    seed: int = 0
    brokers: int = 1
    contacts_per_s: float = 20.0
    agents: int = 200
    shops: int = 4
    faults: tuple[str, ...] = ()
    keeps_evidence: bool = False
    bug: str = ""
    settles_within_s: float = 90.0


def read_orders(environment: Mapping[str, str] = os.environ) -> Orders:
    """Return the orders. Raises: SystemExit with a sentence."""
    usual = Orders()
    try:
        orders = Orders(
            minutes=float(environment.get("CHAOS_MINUTES", usual.minutes)),
            seed=int(environment.get("CHAOS_SEED") or secrets.randbelow(2**31)),
            brokers=int(environment.get("CHAOS_BROKERS", usual.brokers)),
            contacts_per_s=float(environment.get("CHAOS_RATE", usual.contacts_per_s)),
            agents=int(environment.get("CHAOS_AGENTS", usual.agents)),
            faults=tuple(name for name in environment.get("CHAOS_FAULTS", "").split(",") if name),
            keeps_evidence=environment.get("CHAOS_EVIDENCE", "") == "1",
        )
    except ValueError as error:
        sys.exit(f"CHAOS_MINUTES, CHAOS_SEED, CHAOS_BROKERS, CHAOS_RATE and CHAOS_AGENTS must be numbers: {error}.")
    if orders.brokers not in (1, 3):
        sys.exit("CHAOS_BROKERS must be 1 or 3.")
    if orders.minutes <= 0 or orders.contacts_per_s <= 0 or orders.agents < orders.shops:
        sys.exit("CHAOS_MINUTES and CHAOS_RATE must be above 0, CHAOS_AGENTS at least 4.")
    return orders
