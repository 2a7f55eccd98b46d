"""Card readers and keypads at doors: OSDP over its secure channel, Wiegand 26 as legacy input."""
