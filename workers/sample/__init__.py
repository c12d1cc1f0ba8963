"""The sample seller: its places, what it sells, its stock, its channels, and who holds a key. Data only."""
