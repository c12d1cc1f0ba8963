"""A provider of electronic signatures of our own, whose signers do as they are told."""
