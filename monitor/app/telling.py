"""The channels that a configuration names: those that write at once, and those that deliver in their own time."""

import random
from collections.abc import Mapping
from typing import TextIO

from monitor.channels.alerts_log import AlertsLog
from monitor.channels.console import ConsoleChannel
from monitor.channels.outbox import Outbox
from monitor.channels.slack import SlackWebhook
from monitor.clock import Clock
from monitor.config import NotifyConfig
from monitor.ports import Channel


def plain_channels(notify: NotifyConfig, out: TextIO) -> list[Channel]:
    """The file, then the console. Raises: ConfigError: the file cannot be written."""
    channels: list[Channel] = [] if notify.file is None else [AlertsLog(notify.file)]
    if notify.console:
        channels.append(ConsoleChannel(out, color=None, width=None))
    return channels


def outboxes(notify: NotifyConfig, clock: Clock, kept: Mapping[str, str]) -> list[Outbox]:
    """One for each channel over the network, holding what the last process left; not started yet."""
    if notify.slack_webhook_url is None:
        return []
    slack = SlackWebhook(notify.slack_webhook_url.reveal())
    return [Outbox(slack, clock, kept, notify.max_age_ms, random.Random())]
