"""The native API, `/api/v1`, one module per slice."""
