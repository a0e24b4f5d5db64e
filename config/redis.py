"""Two mends for kombu 5.7 on Redis, where a broker that died with tasks in flight ended the worker.

The consumer closes a lost connection twice. The first time a channel may stay open, since the one closed before it
raised; the second time the transport has given up its address, and the channel, which would put its unacknowledged
messages back, finds none: an AttributeError, which nobody expects and which ends the process.
"""

from __future__ import annotations

import logging
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)


class QoS(redis.QoS):
    """Lets go of the messages of a lost broker: they were wake-up calls, and what they were for is found later."""

    @property
    def is_lost(self) -> bool:
        transport = self.channel.connection
        return transport is None or transport.client is None

    def restore_unacked(self, *args: Any, **named: Any) -> None:
        if self.is_lost:
            logger.warning("%s wake-up calls went with the broker", len(self._delivered))
            self._delivered.clear()
        else:
            super().restore_unacked(*args, **named)

    def ack(self, delivery_tag: str) -> None:
        if not self.is_lost:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.is_lost:
            super().reject(delivery_tag, requeue)


def mend() -> None:
    redis.Channel.QoS = QoS
