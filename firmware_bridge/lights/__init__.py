"""Shelf lights (灯条): which cell shines for whom, and the strips that show it."""
