"""Stations (驿站): where cabinets, kiosks and shelves meet parcels, custody and the law."""
