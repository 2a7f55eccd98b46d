"""What measures: the solver against its peers, the day end to end, ingest, roads, chaos on the wire."""
