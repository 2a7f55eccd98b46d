"""Certificates: a small authority of our own for the broker and its devices.

Only servers import this package; a device needs nothing but the standard library to use what it was given.
"""
