module novation/tests/vectors/cometbft_ed25519

go 1.25.0

require github.com/cometbft/cometbft v0.40.0

require (
	github.com/oasisprotocol/curve25519-voi v0.0.0-20230904125328-1f23a7beb09a // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
