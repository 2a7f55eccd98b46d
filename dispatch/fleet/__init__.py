"""Vehicles and the people who drive them: types with capacity, cost and shift, vehicles, couriers."""
