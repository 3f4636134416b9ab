"""What a wall shows, as JSON: queues and agents now. Must not: compute figures that analytics did not publish."""

from datetime import UTC, datetime
from typing import Any

from trunkline.acd.v1.acd_types_pb2 import AgentRow, AgentView, Connectivity, DeviceState, Intent, QueueRow


def queue_json(row: QueueRow) -> dict[str, Any]:
    """Return one queue's figures."""
    return {
        "queue_id": row.queue_id,
        "waiting": row.waiting,
        "ringing": row.ringing,
        "connected": row.connected,
        "oldest_entered": moment(row.oldest_entered_time) if row.HasField("oldest_entered_time") else None,
        "entered_total": row.entered_total,
        "answered_total": row.answered_total,
        "abandoned_total": row.abandoned_total,
        "short_abandoned_total": row.short_abandoned_total,
        "flowed_out_total": row.flowed_out_total,
        "limit_reached_total": row.limit_reached_total,
        "callbacks_open": row.callbacks_open,
        "helping_queue_id": row.helping_queue_id,
        "answered_wait_s": row.answered_wait_duration.ToMilliseconds() / 1000,
    }


def agent_json(row: AgentRow) -> dict[str, Any]:
    """Return one agent's state."""
    return {
        "agent_id": row.agent_id,
        "intent": Intent.Name(row.intent).removeprefix("INTENT_"),
        "break_reason": row.break_reason,
        "connectivity": Connectivity.Name(row.connectivity).removeprefix("CONNECTIVITY_"),
        "not_responding": row.not_responding,
        "device": DeviceState.Name(row.device).removeprefix("DEVICE_STATE_"),
        "offered": row.offered,
        "connecting": row.connecting,
        "connected": row.connected,
        "wrap_up": row.wrap_up,
        "parked": row.parked,
        "called_in": call_in_json(row),
        "since": moment(row.since_time),
    }


def call_in_json(agent: AgentView | AgentRow) -> dict[str, Any] | None:
    """Return that a supervisor asked the agent to come; None for one who is not called in."""
    if not agent.HasField("called_in"):
        return None
    called_in = agent.called_in
    return {
        "at": moment(called_in.called_time),
        "until": moment(called_in.until_time),
        "reason": called_in.reason,
    }


def moment(time: Any) -> str:
    """Return a Timestamp as ISO 8601 in UTC."""
    return str(time.ToDatetime(tzinfo=UTC).isoformat())


def now() -> str:
    """Return this server's time; only shown, never compared."""
    return datetime.now(UTC).isoformat()
