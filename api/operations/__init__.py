"""Long work: started, watched, cancelled and remembered."""
