package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
)

// checkoutLimits are the promises of the checkout's bench: against a shallow fetch, against a full clone, and on memory.
var checkoutLimits = map[string]float64{
	"checkout":                          1.2,
	"checkout against full clone":       0.6,
	"checkout memory against its limit": 1,
}

// benchCheckout runs the bench of the checkout, a program of its own: it starts itself anew for each run, so that the
// memory of a run is seen.
func benchCheckout(ctx context.Context, log *slog.Logger, o options, _ string) ([]result, error) {
	log.Info("measuring", "bench", "checkout", "runs", o.runs)
	command := exec.CommandContext(ctx, "go", "run", "./internal/tests/bench/checkout", "-runs", strconv.Itoa(o.runs))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running its program: %w", err)
	}
	return readResults(bytes.NewReader(out))
}

// readResults reads one result a line, and adds its limit.
func readResults(lines io.Reader) ([]result, error) {
	var results []result
	for d := json.NewDecoder(lines); ; {
		var r result
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading a result: %w", err)
		}
		r.limit = checkoutLimits[r.Name]
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, errors.New("nothing was measured")
	}
	return results, nil
}
