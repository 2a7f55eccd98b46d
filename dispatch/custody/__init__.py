"""The custody ledger: append-only events, and the pure answer to where a parcel is and who has it."""
