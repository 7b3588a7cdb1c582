"""Records in typed tables, the Merkle tree over them, their proofs and snapshots."""
