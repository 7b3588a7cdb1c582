module novation/tests/vectors/ics23

go 1.25.0

require (
	github.com/cometbft/cometbft v0.40.0
	github.com/cosmos/ics23/go v0.11.0
)

require (
	github.com/cosmos/gogoproto v1.7.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)
