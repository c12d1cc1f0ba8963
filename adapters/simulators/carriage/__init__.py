"""Carriers, lockers and partners of our own in one program."""
