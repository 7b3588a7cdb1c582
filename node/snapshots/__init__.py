"""Snapshots: all records of one height as files, for nodes that join without running every block since genesis.

A table is cut into subtrees of its state tree; a manifest holds the root of each, and from these follow the roots of
the tables and the app hash. So who trusts an app hash checks the manifest at once and every chunk as it arrives, and
needs to trust neither who sent them nor the manifest. Cuts depend on the records alone: every node makes the same.

    format.py    the manifest, and checking chunks     writer.py   making one      restore.py   taking one over
    keeper.py    making one every so often, keeping the newest, serving them
"""
