"""The server's end of the wire: what devices report goes into the ledger, what is committed is acknowledged."""
