"""Contacts that left a queue and are followed as if they still waited there (rule 14). Must not: decide anything."""

from dataclasses import dataclass
from datetime import datetime

from trunkline_acd.domain.contacts import Contact


@dataclass(frozen=True, slots=True)
class Followed:
    """One segment that ended without an answer: the contact as it was, and when it left."""

    contact: Contact
    left_time: datetime
