"""Telling customers and stores what happened: once per event, and never in the order's way."""
