"""The keys under which personal data is encrypted: one per customer, deleted to erase the customer."""
