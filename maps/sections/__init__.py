"""Courier sections (段道): a county cut into connected parts of equal work on its roads."""
