"""Engines that answer how long and how far: on roads, or estimated without them."""
