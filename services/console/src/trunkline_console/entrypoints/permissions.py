"""Who may define what a tenant has: administrators and this installation's own services; and what is another's already.

Owns: what must be known of all partitions, hence of all tenants, before a command reaches the one that decides it.
"""

from collections.abc import Callable, Iterable

from trunkline_core.errors import Rejection
from trunkline_platform.credentials import Forbidden, Principal, Role

from trunkline_console.domain.commands import AdvancePolicyTrial, Command, DefineEntryPoint
from trunkline_console.domain.state import Directory


class Permissions:
    """Asked before each command. `directories`: the states of all partitions, as far as this replica has read."""

    def __init__(self, directories: Callable[[], Iterable[Directory]]) -> None:
        self._directories = directories

    def __call__(self, command: Command, principal: Principal) -> None:
        """Raises: Forbidden, also for what only the partition's owner sends; Rejection for an entry point of another
        tenant.

        Customers' pages name an entry point without a tenant, so an id is one tenant's. Of two that define it in the
        same moment channels takes one, and refuses the other.
        """
        principal.require(Role.ADMIN, Role.SERVICE)
        if isinstance(command, AdvancePolicyTrial):
            raise Forbidden("only the partition's owner fires timers")
        if isinstance(command, DefineEntryPoint):
            entry_point_id = command.entry_point.entry_point_id
            each = [directory.entry_points.tenants_with(entry_point_id) for directory in self._directories()]
            having = set[str]().union(*each)
            if having and principal.tenant not in having:
                raise Rejection("EntryPointTaken")
