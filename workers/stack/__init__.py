"""The embedded stack: everything Throughline needs, started on one machine with one command."""
