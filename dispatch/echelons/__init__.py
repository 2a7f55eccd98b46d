"""Two-echelon plans: trunk runs to township depots, and the routes that leave from there."""
