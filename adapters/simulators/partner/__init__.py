"""Partners of our own who ship in our name, and answer when they are told to."""
