"""Studies of where kiosks should go, kept so that what was expected can be held against what came."""
