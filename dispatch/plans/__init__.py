"""Plans of a day: immutable versions, publishing, insertion, and what a courier sees of them."""
