"""Carriers of our own: they sell labels, move parcels, and misbehave when asked to."""
