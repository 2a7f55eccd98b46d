"""Programs that give one saved problem to one solver; each runs in an interpreter that has that solver."""
