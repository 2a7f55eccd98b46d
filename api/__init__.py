"""The edge people and programs touch: HTTP API, login, command line, and the wiring of all rooms."""
