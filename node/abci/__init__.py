"""The ABCI socket server: what CometBFT talks to."""
