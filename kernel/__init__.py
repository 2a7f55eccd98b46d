"""What every room shares: errors, settings, clock, ids, money, database, events, logs.

No business rule lives here, and nothing of ours is imported from outside this package.
"""
