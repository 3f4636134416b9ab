"""Whether an agent who was named by somebody, a supervisor or a colleague, can take a contact now, or soon.

Owns: the words with which that is refused.
"""

from trunkline_core.errors import Rejection

from trunkline_acd.domain.agents import Agent, has_room, is_routable, is_signed_in, is_staying, is_unreachable
from trunkline_acd.domain.capacity import takes
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.skills import RequirementSet, meets
from trunkline_acd.domain.words import Connectivity


def check_desk(agent: Agent) -> None:
    """Raises: Rejection(`AgentNotConnected`)."""
    if agent.connectivity is not Connectivity.CONNECTED:
        raise Rejection("AgentNotConnected")


def check_there(agent: Agent) -> None:
    """Raises: Rejection(`AgentNotConnected`, `AgentNotReady`)."""
    check_desk(agent)
    if not is_routable(agent):
        raise Rejection("AgentNotReady")


def check_room(agent: Agent, contact: Contact) -> None:
    """Raises: Rejection(`AgentDeviceLost`, `AgentHasNoRoom`, `AgentWrapsItUp`)."""
    if is_unreachable(agent, contact.channel):
        raise Rejection("AgentDeviceLost")
    if not has_room(agent, contact.channel):
        raise Rejection("AgentHasNoRoom")
    if agent.agent_id in contact.wrapped_up_by:
        raise Rejection("AgentWrapsItUp")


def check_soon(agent: Agent, contact: Contact, needs: RequirementSet) -> None:
    """Admit an agent for whom the contact may wait, on a break or busy as well.

    Raises: Rejection(`AgentNotConnected`, `AgentNotReady`, `AgentLacksSkills`, `AgentDeviceLost`, `AgentHasNoRoom`,
    `AgentWrapsItUp`).
    """
    if not is_signed_in(agent):
        raise Rejection("AgentNotConnected")
    if not is_staying(agent):
        raise Rejection("AgentNotReady")
    if not meets(agent.profile, needs):
        raise Rejection("AgentLacksSkills")
    if is_unreachable(agent, contact.channel):
        raise Rejection("AgentDeviceLost")
    if not takes(agent.definition, contact.channel):
        raise Rejection("AgentHasNoRoom")
    if agent.agent_id in contact.wrapped_up_by | {contact.agent_id}:
        raise Rejection("AgentWrapsItUp")
