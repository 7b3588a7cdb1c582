"""The same chain in one process, without CometBFT: blocks when you want them, time and prices as you say."""
