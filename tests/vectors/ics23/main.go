// Checks Novation's proofs with code that Novation's authors did not write: the public ICS-23 library under its
// Tendermint spec, and CometBFT's own proof runtime. It reads a JSON array of cases from standard input and prints a
// JSON array of verdicts, true for a proof that was accepted.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cometbft/cometbft/crypto/merkle"
	"github.com/cometbft/cometbft/proto/tendermint/crypto"
	ics23 "github.com/cosmos/ics23/go"
)

type operator struct {
	Kind string `json:"kind"`
	Key  string `json:"key"`
	Data string `json:"data"`
}

// One question. An empty Value asks for absence; all byte strings are hex.
type question struct {
	AppHash   string     `json:"app_hash"`
	Table     string     `json:"table"`
	Key       string     `json:"key"`
	Value     string     `json:"value"`
	Operators []operator `json:"operators"`
}

// The root of a table without records: SHA-256 of nothing.
const emptyRoot = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func unhex(text string) []byte {
	raw, err := hex.DecodeString(text)
	if err != nil {
		fail(err)
	}
	return raw
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fail(err)
	}
	verdicts := make([]bool, len(questions))
	for at, asked := range questions {
		verdicts[at] = accepted(asked)
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		fail(err)
	}
}

// The library panics on some malformed proofs; that is a refusal too.
func accepted(asked question) (verdict bool) {
	defer func() {
		if recover() != nil {
			verdict = false
		}
	}()
	if len(asked.Operators) > 0 && asked.Operators[0].Kind == merkle.ProofOpValue {
		return acceptedByCometBFT(asked)
	}
	return acceptedByICS23(asked)
}

func acceptedByCometBFT(asked question) bool {
	proof := &crypto.ProofOps{}
	for _, step := range asked.Operators {
		proof.Ops = append(proof.Ops, crypto.ProofOp{Type: step.Kind, Key: unhex(step.Key), Data: unhex(step.Data)})
	}
	path := merkle.KeyPath{}.AppendKey([]byte(asked.Table), merkle.KeyEncodingURL)
	path = path.AppendKey(unhex(asked.Key), merkle.KeyEncodingURL)
	runtime := merkle.DefaultProofRuntime()
	return runtime.VerifyValue(proof, unhex(asked.AppHash), path.String(), unhex(asked.Value)) == nil
}

func acceptedByICS23(asked question) bool {
	var table []byte // the root of the table that the record's proof leads to
	steps := asked.Operators
	if len(steps) == 1 && asked.Value == "" {
		table = unhex(emptyRoot)
	} else if len(steps) == 2 {
		proof, ok := decode(steps[0])
		if !ok {
			return false
		}
		root, err := proof.Calculate()
		if err != nil {
			return false
		}
		if asked.Value == "" {
			ok = ics23.VerifyNonMembership(ics23.TendermintSpec, root, proof, unhex(asked.Key))
		} else {
			ok = ics23.VerifyMembership(ics23.TendermintSpec, root, proof, unhex(asked.Key), unhex(asked.Value))
		}
		if !ok {
			return false
		}
		table = root
	} else {
		return false
	}
	above, ok := decode(steps[len(steps)-1])
	return ok && ics23.VerifyMembership(ics23.TendermintSpec, unhex(asked.AppHash), above, []byte(asked.Table), table)
}

func decode(step operator) (*ics23.CommitmentProof, bool) {
	proof := &ics23.CommitmentProof{}
	if err := proof.Unmarshal(unhex(step.Data)); err != nil {
		return nil, false
	}
	return proof, true
}
