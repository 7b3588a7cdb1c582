// Asks CometBFT's own Ed25519, the code that verifies votes and their extensions, about signatures. It reads a JSON
// array of cases from standard input and prints a JSON array of verdicts, true for a signature that was accepted.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cometbft/cometbft/crypto/ed25519"
)

// One question; all byte strings are hex.
type question struct {
	PublicKey string `json:"public_key"`
	Message   string `json:"message"`
	Signature string `json:"signature"`
}

func unhex(text string) []byte {
	raw, err := hex.DecodeString(text)
	if err != nil {
		fail(err)
	}
	return raw
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fail(err)
	}
	answers := make([]bool, len(questions))
	for i, q := range questions {
		answers[i] = ed25519.PubKey(unhex(q.PublicKey)).VerifySignature(unhex(q.Message), unhex(q.Signature))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}
