"""Carriers and lockers of our own in one program."""
