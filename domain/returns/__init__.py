"""Returns, exchanges and claims: the policy as data, the decision with its reasons, and what becomes of each unit."""
