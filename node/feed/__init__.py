"""The link between the engine and its readers: submit, read records, follow blocks, over a Unix socket.

Reading order: `framing.py`, `encoding.py`, `ring.py`, `server.py` (the engine's side), `client.py` (the reader's side).
"""
