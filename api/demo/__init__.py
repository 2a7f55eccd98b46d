"""The demonstration: a whole day of an invented county on one machine, by the same doors a real one uses."""
