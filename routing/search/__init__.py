"""The search: from a problem to arrays, and the ruin-and-recreate core that works on them."""
