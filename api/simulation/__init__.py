"""A whole day (模拟日) played against the real API by a clock of its own: equal seed, equal day."""
