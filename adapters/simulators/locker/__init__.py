"""An operator of parcel machines of our own: full when it is full, and misbehaving when asked to."""
