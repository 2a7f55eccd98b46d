"""Promised weekdays: which days of the week a low-volume village is served, by cost and balance."""
