"""The one place that pins CometBFT: the binary, its ABCI protos and what we say about both."""

COMETBFT_MODULE = "github.com/cometbft/cometbft"
COMETBFT_VERSION = "v0.40.0"
COMETBFT_COMMAND = f"{COMETBFT_MODULE}/cmd/cometbft@{COMETBFT_VERSION}"

# gogoproto holds the option definitions that CometBFT's protos import; the version is the one in its go.mod.
GOGOPROTO_MODULE = "github.com/cosmos/gogoproto"
GOGOPROTO_VERSION = "v1.7.2"

GO_MINIMUM = (1, 25)
