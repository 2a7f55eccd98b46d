"""Regions: road networks, matrices, places, coordinates and their datums."""
