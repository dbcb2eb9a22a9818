package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// OutputFiles are the files to write the stack outputs to; "" is none.
type OutputFiles struct {
	CLI      string // in the format of the CDK CLI, by name in CloudFormation
	Named    string // by name in the configuration
	Detailed string // by name in the configuration, with descriptions and export names
}

// EncodedOutputs are the stack outputs as JSON, in the formats of [OutputFiles].
type EncodedOutputs struct{ CLI, Named, Detailed []byte }

// EncodeOutputs encodes the outputs in all formats.
func (results Results) EncodeOutputs() (EncodedOutputs, error) {
	outputs := results.Outputs()
	cli, cliErr := encodeOutputs(results.CLIOutputs())
	named, namedErr := encodeOutputs(outputs.Values())
	detailed, detailedErr := encodeOutputs(outputs)
	return EncodedOutputs{cli, named, detailed}, errors.Join(cliErr, namedErr, detailedErr)
}

// encodeOutputs encodes outputs as the CDK CLI does, without HTML escapes.
func encodeOutputs(outputs any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(outputs); err != nil {
		return nil, fmt.Errorf("encoding the stack outputs: %w", err)
	}
	return text.Bytes(), nil
}

// Write writes the outputs to the files.
func (e EncodedOutputs) Write(to OutputFiles) error {
	for _, file := range []struct {
		path string
		text []byte
	}{{to.CLI, e.CLI}, {to.Named, e.Named}, {to.Detailed, e.Detailed}} {
		if file.path == "" {
			continue
		}
		if err := os.WriteFile(file.path, file.text, 0o644); err != nil {
			return errs.Writing(file.path, err)
		}
	}
	return nil
}

// Outputs returns the outputs of the deployed stacks, by their names in the configuration.
func (results Results) Outputs() cmdenv.Outputs {
	outputs := cmdenv.Outputs{}
	for _, r := range results {
		if r.State != schedule.Done || r.Action == cfn.Destroyed {
			continue
		}
		outputs[r.Stack] = map[string]cmdenv.Output{}
		for _, o := range r.Outputs {
			outputs[r.Stack][o.Key] = cmdenv.Output{Value: o.Value, Description: o.Description, ExportName: o.ExportName}
		}
	}
	return outputs
}

// CLIOutputs returns the outputs in the format of the CDK CLI's --outputs-file:
// by the stacks' names in CloudFormation, without stacks that have none. Of two
// stacks of one name, in two regions, the later one wins.
func (results Results) CLIOutputs() map[string]map[string]string {
	byName := map[string]map[string]string{}
	for _, r := range results {
		if r.State != schedule.Done || len(r.Outputs) == 0 {
			continue
		}
		byName[r.Name] = map[string]string{}
		for _, o := range r.Outputs {
			byName[r.Name][o.Key] = o.Value
		}
	}
	return byName
}

// Collisions describes the outputs that have no name of their own.
func (results Results) Collisions() []string {
	lines := results.Outputs().Collisions()
	for i, r := range results {
		for _, other := range results[:i] {
			if r.Name == other.Name && len(r.Outputs) > 0 && len(other.Outputs) > 0 {
				lines = append(lines, fmt.Sprintf("the stacks %s and %s are both named %s in CloudFormation; --outputs-file has the outputs of the later one, as with the CDK CLI; "+
					"--named-outputs-file has both", other.Stack, r.Stack, r.Name))
			}
		}
	}
	return lines
}
