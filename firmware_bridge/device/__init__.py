"""The program inside a kiosk, station or cabinet; it installs alone and needs only SQLite and MQTT.

What happened is written to the device's own database first and is deleted there only when the server says,
signed, that it has committed it.
"""
