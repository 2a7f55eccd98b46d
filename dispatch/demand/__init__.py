"""From parcels to stops: what has to be visited, how long it takes, when it is possible, and why not."""
