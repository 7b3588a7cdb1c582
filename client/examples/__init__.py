"""Programs that run against any localnet: `python -m client.examples.place_and_cancel --gateway 127.0.0.1:PORT ...`."""
