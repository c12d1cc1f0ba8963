"""Programs that measure Throughline side by side with what a user would choose instead. `make bench` runs them all."""
