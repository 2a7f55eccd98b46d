"""Service products as versioned data rows; no product's name appears in code."""
