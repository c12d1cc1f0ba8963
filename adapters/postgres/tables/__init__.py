"""The tables, one module a concept."""
