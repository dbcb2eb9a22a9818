package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// checkWritable checks, before anything is deployed, that a file can be written.
// It does nothing for "", and leaves no new file behind.
func checkWritable(name string) error {
	if name == "" {
		return nil
	}
	_, missing := os.Stat(name)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return errs.Writing(name, err)
	}
	if missing != nil {
		defer os.Remove(name)
	}
	return errs.Writing(name, file.Close())
}

// keepOutputs stores the outputs in all formats and returns the key of the plain
// one. It also stores the outputs of a cancelled deployment.
func (d Deps) keepOutputs(ctx context.Context, in Input, results deploy.Results) (key string, err error) {
	outputs := results.Outputs()
	plain, plainErr := outputsJSON(outputs.Values())
	detailed, detailedErr := outputsJSON(outputs)
	byName, byNameErr := outputsJSON(results.CLIOutputs())
	if err := errors.Join(plainErr, detailedErr, byNameErr); err != nil {
		return "", err
	}
	for _, file := range []struct {
		path string
		text []byte
	}{{in.OutputsFile, byName}, {in.NamedOutputsFile, plain}, {in.DetailedOutputsFile, detailed}} {
		if file.path == "" {
			continue
		}
		if err := os.WriteFile(file.path, file.text, 0o644); err != nil {
			return "", errs.Writing(file.path, err)
		}
	}
	if d.Bucket == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	key = bucket.OutputsKey(in.Commit, in.Environment)
	for _, document := range []struct {
		key  string
		text []byte
	}{{bucket.DetailedOutputsKey(in.Commit, in.Environment), detailed}, {key, plain}} {
		if err := d.Bucket.Put(ctx, document.key, document.text); err != nil {
			return "", fmt.Errorf("storing the stack outputs as %q: %w", document.key, err)
		}
	}
	return key, nil
}

// outputsJSON encodes outputs as the CDK CLI does, without HTML escapes.
func outputsJSON(outputs any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(outputs); err != nil {
		return nil, fmt.Errorf("encoding the stack outputs: %w", err)
	}
	return text.Bytes(), nil
}
