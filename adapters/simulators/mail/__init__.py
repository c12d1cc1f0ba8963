"""A mail server that delivers to nobody: it keeps what it is sent for people and tests to read."""
