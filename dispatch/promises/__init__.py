"""What each parcel was promised: its products, deadline, evidence and skills, and whether the promise is kept."""
