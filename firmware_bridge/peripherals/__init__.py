"""What stands in a kiosk besides doors: scale, printer, scanner."""
