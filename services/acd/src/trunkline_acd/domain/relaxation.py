"""What happens when a contact has waited until its next ring (rule 7)."""

from collections.abc import Iterator

from trunkline_core.decider import Context

from trunkline_acd.domain import commands, timing
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.matching import offer_contact
from trunkline_acd.domain.rings import skip_empty_rings
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.words import Trigger


def relax(state: AcdState, command: commands.RelaxContact, context: Context) -> Iterator[Event]:
    """The contact has waited until its next ring: more agents may take it."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.ring_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    yield from skip_empty_rings(domain, contact, contact.ring + 1)
    yield from offer_contact(domain, command.contact_id, Trigger.RING_WIDENED, context)
