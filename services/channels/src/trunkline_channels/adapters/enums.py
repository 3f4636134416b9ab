"""Enum values that more than one adapter writes."""

from trunkline.common.v1 import common_types_pb2 as common

from trunkline_channels.domain.words import Channel


def channel_value(channel: Channel) -> common.Channel.ValueType:
    """Return the proto value."""
    return common.Channel.Value(f"CHANNEL_{channel.name}")
