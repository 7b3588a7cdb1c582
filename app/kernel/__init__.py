"""Pure building blocks that know nothing of accounts or markets."""
