"""Where kiosks go: covering and median models on road minutes, what to expect of each, and what became of it."""
