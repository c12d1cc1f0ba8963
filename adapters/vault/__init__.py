"""Where personal data lies: sealed under the customer's key, apart from orders and totals."""
