"""The command line `cunda`."""
