"""Simulated devices: they speak the real protocol through real connections, only the customers are made up."""
