"""The wire between Cunda and its kiosks, stations and cabinets.

Topics, message schemas and signatures stand at the top; ``broker`` starts a broker, ``device`` is the
program inside a kiosk (it installs alone), ``server`` writes what arrives into the ledger, ``simulator``
plays kiosks. The rules it keeps have ids (DEV-001 …); docs/devices/rules.md lists them.
"""
