"""A fictional mountain county, made from a seed and written as an OpenStreetMap file.

No map data of anyone went into it; it takes the same import path as any extract.
"""
