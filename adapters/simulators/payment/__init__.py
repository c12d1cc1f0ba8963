"""A payment provider of our own: it behaves as a real one, keeps its books, and misbehaves when asked to."""
