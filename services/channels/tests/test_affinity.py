"""Channels names to acd the agent whom the customer knows (routing rule 10)."""

from typing import Any

import pytest
from trunkline.acd.v1.acd_types_pb2 import Preference
from trunkline.customer.v1 import customer_events_pb2 as crm
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.application.steps import StepRunner
from trunkline_channels.domain.commands import RecordCustomer, RecordPersonRequested
from trunkline_core.errors import Transient


class Client:
    """A service that answers with these events, or not at all."""

    def __init__(self, *events: Any, away: bool = False) -> None:
        self.commands: list[Any] = []
        self._events, self._away = events, away

    async def execute(self, command: Any, principal: Any, **_: Any) -> list[Any]:
        self.commands.append(command)
        if self._away:
            raise Transient("away")
        return [*self._events]


async def enqueued(story: Any, owner: str, last: str) -> Any:
    """Return what acd is asked for a contact of whom crm said so."""
    story.opened().do(RecordCustomer(story.one, 1, "cu_1", owner, last))
    story.do(RecordPersonRequested(story.one, "qu_1", 0, 0, (), None))
    client = Client()
    await ServiceTargets(client, client, client).carry_out(story.contact, story.contact.step)
    return client.commands[0].enqueue_contact


@pytest.mark.parametrize(
    ("owner", "last", "named", "why"),
    [
        ("", "ag_last", "ag_last", Preference.PREFERENCE_LAST_AGENT),
        ("ag_owner", "", "ag_owner", Preference.PREFERENCE_ACCOUNT_OWNER),
        ("ag_owner", "ag_last", "ag_owner", Preference.PREFERENCE_ACCOUNT_OWNER),
        ("", "", "", Preference.PREFERENCE_UNSPECIFIED),
    ],
)
async def test_whose_account_it_is_goes_before_who_had_the_customer_last(
    story: Any, owner: str, last: str, named: str, why: Any
) -> None:
    command = await enqueued(story, owner, last)
    assert (command.preferred_agent_id, command.preference) == (named, why)


async def test_the_answer_of_crm_says_which_agents_the_customer_knows(story: Any) -> None:
    contact = story.opened().contact
    resolved = crm.ContactResolved(
        contact_id=story.one, step_no=1, customer_id="cu_1", account_owner_id="ag_owner", last_agent_id="ag_last"
    )
    client = Client(crm.CustomerEvent(contact_resolved=resolved))
    answer = await ServiceTargets(client, client, client).resolve(contact, contact.step, 1.0)
    assert answer == RecordCustomer(story.one, 1, "cu_1", "ag_owner", "ag_last")


async def test_while_crm_is_away_nobody_is_named_and_the_contact_goes_on(story: Any) -> None:
    contact, submitted = story.opened().contact, []

    class OneLedger:
        def watch(self, _: Any) -> None: ...
        def on_owned(self, _: Any) -> None: ...
        async def submit(self, submission: Any) -> None:
            submitted.append(submission.command)

    away = Client(away=True)
    runner: Any = StepRunner(OneLedger(), ServiceTargets(away, away, away), None)  # type: ignore[arg-type]
    await runner._try(contact)
    assert submitted == [RecordCustomer(story.one, 1, "")]
    story.do(submitted[0])
    assert (story.contact.step.kind, story.contact.last_agent_id) == ("start_session", "")
