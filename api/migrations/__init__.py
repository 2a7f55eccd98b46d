"""Schema migrations, shipped with the program and run by ``cunda db upgrade``."""
