"""The gateway: gRPC services over a read model that follows the engine's feed. A process of its own.

Reading order: `model.py` (what it knows), `engine.py` (how it follows), `submissions.py` (how envelopes go in),
`streams.py`, then one file per service, and `server.py` that puts them together. README.md has the conventions.
"""
