"""The state machine: (state, block) -> (state', results, events, app hash). Start at README.md."""
