"""The working day: parcels and their custody, service products, fleet, demand and plans."""
