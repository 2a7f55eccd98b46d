"""Solves a tiny problem, so that the solver's compiled code is made and kept."""
