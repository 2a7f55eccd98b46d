"""Domain of kiosks, stations and cabinets: sites, drop-offs, compartments, codes. No MQTT, no serial port.

Only :mod:`lockers.registry.model` and the repository beside it touch the database; the device program
imports the rest without them.
"""
