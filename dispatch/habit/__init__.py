"""Habit: who usually comes to a village, in which order and when, and how far a day may depart from it."""
