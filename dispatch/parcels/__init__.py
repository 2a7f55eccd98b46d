"""Parcels: what companies announce and customers hand in, and how a manifest becomes rows."""
