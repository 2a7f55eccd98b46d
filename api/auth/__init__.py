"""Who is asking: users, passwords, sessions, roles."""
