"""`novation top`: a market, an account and the node in a terminal, made with textual. Reading order: README.md."""
