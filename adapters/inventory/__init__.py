"""Stock per SKU and location: reservations, allocations, physical movements and the ledger of all of them."""
