"""REST: why a contact went to an agent, or why it still waits, in the reader's language (routing rule 21)."""

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from trunkline_platform.credentials import Role

from trunkline_console.adapters.acd_reads import AcdReader
from trunkline_console.application.accounts import Account, Accounts
from trunkline_console.application.explaining import Names, facts_json, sentences
from trunkline_console.application.explanation_words import Language
from trunkline_console.entrypoints.sessions import Sessions


def add_explanations(app: FastAPI, sessions: Sessions, accounts: Accounts, reader: AcdReader) -> None:
    """Add the route."""

    @app.get("/api/v1/contacts/{contact_id}/explanation")
    async def explanation(
        contact_id: str, request: Request, lang: Annotated[Language, Query()] = "en"
    ) -> dict[str, Any]:
        account = sessions.account(request)
        principal = account.principal()
        principal.require(Role.SUPERVISOR, Role.ADMIN, Role.AGENT)
        found = await reader.explanation(principal, contact_id)
        names = await names_of(accounts, account.tenant, lang)
        return {"facts": facts_json(found), "sentences": sentences(found, lang, names)}


async def names_of(accounts: Accounts, tenant: str, language: Language) -> Names:
    """Return what the tenant's agents and queues are called; opens the agents' names."""
    directory = accounts.directory(tenant)
    users = {user.agent_id: Account(user, tenant) for user in directory.users.of(tenant) if user.agent_id}
    opened = await asyncio.gather(*(accounts.name_of(user) for user in users.values()))
    agents = dict(zip(users, opened, strict=True))
    queues = {queue.queue_id: getattr(queue.name, language) for queue in directory.queues.of(tenant)}
    return Names(
        agent=lambda agent_id: agents.get(agent_id, agent_id),
        queue=lambda queue_id: queues.get(queue_id) or queue_id,
    )
