"""Registry of sites: which kiosks, stations and cabinets exist, where, and what they hold."""
