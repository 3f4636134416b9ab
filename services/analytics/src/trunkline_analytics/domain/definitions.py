"""Metric definitions as versioned data: a change makes a new version, and figures of an old one stay as they are.

Must not: compute. Tenants choose a version; the numbers here are its defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from trunkline_analytics.domain.intervals import LENGTHS_MINUTES


class ServiceLevelVariant(StrEnum):
    """Three usual definitions that give different figures for the same day; the variant is part of the figure's name.

    A answered, B abandoned without short ones, Bs short abandoned, F flowed out, E opened, M waiting longer than the
    threshold Y, W≤Y waiting at most Y.
    """

    SL1 = "sl1"
    """A≤Y ÷ (A + B + M)."""
    SL2 = "sl2"
    """A≤Y ÷ (E − Bs − F − W≤Y)."""
    SL3 = "sl3"
    """(A≤Y + B≤Y) ÷ (A + B + M)."""


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One version.

    Attributes:
        version: counts from 1.
        short_abandon_below: an abandonment with a shorter wait is a short one.
        service_level_within: threshold Y of the service level.
        service_level_variant: shown where nothing else is asked for.
        interval_minutes: lengths in which figures are stored.
    """

    version: int
    short_abandon_below: timedelta
    service_level_within: timedelta
    service_level_variant: ServiceLevelVariant
    interval_minutes: tuple[int, ...]


DEFINITIONS: Mapping[int, MetricDefinition] = MappingProxyType(
    {
        1: MetricDefinition(
            version=1,
            short_abandon_below=timedelta(seconds=5),
            service_level_within=timedelta(seconds=20),
            service_level_variant=ServiceLevelVariant.SL1,
            interval_minutes=LENGTHS_MINUTES,
        )
    }
)
CURRENT = DEFINITIONS[max(DEFINITIONS)]
