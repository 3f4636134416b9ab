"""Can a contact really be taken? Asked of the running services over HTTP; nothing is written for it.

A service is ready when it has read its ledger and each partition has a living owner. A contact also needs its entry
point known by channels, its flow by ivr, its queue and agents by acd: they learn them from the directory one after
another, so what each knows is compared with what the console defines. Owns these questions. Must not: wait.
"""

import urllib.error
import urllib.request
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from trunkline_launcher.layout import Layout

ANSWER_WITHIN_S: Final = 1.0
NEEDED: Final = {
    "acd": {"trunkline_acd_queues": "queues", "trunkline_acd_agents": "agents"},
    "ivr": {"trunkline_ivr_flows": "flows"},
    "channels": {"trunkline_channels_entry_points": "entry_points"},
}


def reasons_unready(layout: Layout, service: str) -> list[str]:
    """Return why a service is not ready, as it says itself; empty when it is."""
    try:
        with _get(f"{layout.http_url(service)}/readyz"):
            return []
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.read().decode(errors="replace").split() or ["not ready"]
    except (OSError, ValueError):
        return ["no answer"]


def missing_definitions(layout: Layout) -> list[str]:
    """Return what the directory defines and a service does not know yet, e.g. `acd knows 1 of 2 queues`."""
    defined = _figures(layout, "console")
    missing = []
    for service, gauges in NEEDED.items():
        figures = _figures(layout, service)
        for gauge, kind in gauges.items():
            known, wanted = figures.get(gauge, 0), defined.get(f"trunkline_console_definitions/{kind}", 0)
            if known < wanted:
                missing.append(f"{service} knows {known:.0f} of {wanted:.0f} {kind.replace('_', ' ')}")
    return missing


def _figures(layout: Layout, service: str) -> dict[str, float]:
    """Return the service's metrics by `name` or `name/label value`; the last of several labels counts."""
    try:
        with _get(f"{layout.http_url(service)}/metrics") as answer:
            text = answer.read().decode()
    except (OSError, ValueError):
        return {}
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {"/".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def _get(url: str):  # type: ignore[no-untyped-def]  # urllib's answers are Any
    return urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S)
