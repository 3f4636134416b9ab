"""Whether an agent who was named by somebody, a supervisor or a colleague, can take a contact now.

Owns: the words with which that is refused.
"""

from trunkline_core.errors import Rejection

from trunkline_acd.domain.agents import Agent, has_room, is_routable
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.words import Connectivity


def check_there(agent: Agent) -> None:
    """Raises: Rejection(`AgentNotConnected`, `AgentNotReady`)."""
    if agent.connectivity is not Connectivity.CONNECTED:
        raise Rejection("AgentNotConnected")
    if not is_routable(agent):
        raise Rejection("AgentNotReady")


def check_room(agent: Agent, contact: Contact) -> None:
    """Raises: Rejection(`AgentHasNoRoom`, `AgentWrapsItUp`)."""
    if not has_room(agent, contact.channel):
        raise Rejection("AgentHasNoRoom")
    if agent.agent_id in contact.wrapped_up_by:
        raise Rejection("AgentWrapsItUp")
