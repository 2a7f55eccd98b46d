"""A connection to the station's own broker, where its light controllers listen."""

from __future__ import annotations

from typing import Final

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.enums import CallbackAPIVersion

_QUEUE: Final = 64
_KEEPALIVE_S: Final = 30


class LocalBroker:
    """Publishes with QoS 0, as the controllers subscribe; what is lost is sent again by whoever keeps the lights.

    Raises
    ------
    OSError
        When called without a connection.
    """

    def __init__(self, host: str, port: int, client_id: str = "cunda-lights") -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.max_queued_messages_set(_QUEUE)
        self._client.connect_async(host, port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()  # connects, and again after every loss

    @property
    def connected(self) -> bool:
        """Tell whether the broker is there."""
        return self._client.is_connected()

    def __call__(self, topic: str, payload: bytes) -> None:
        """Publish bytes."""
        if not self._client.is_connected() or self._client.publish(topic, payload).rc != MQTT_ERR_SUCCESS:
            raise ConnectionError("the station's broker is not there")

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()
