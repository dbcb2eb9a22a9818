package cmdenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Environment is the environment that commands run for.
type Environment struct {
	Own     []string // NAME=value: variables of the configuration; all others override them
	Name    string
	Account string // 12 digits
	Region  string
	Commit  string // full SHA
	Branch  string
	Outputs Outputs // of the stacks deployed so far; may be empty
}

// maxInline is the largest size of the outputs in a variable, in bytes: Linux refuses
// variables of 128 KiB (MAX_ARG_STRLEN).
const maxInline = 100 << 10

// Files that Write writes.
const (
	ValuesFile   = "stack-outputs.json"
	DetailedFile = "stack-outputs-detailed.json"
)

// Write writes the outputs to files in dir, hands these to the commands and returns the
// variables for them:
//
//   - ENVIRONMENT_NAME, COMMIT_SHA, BRANCH, AWS_ACCOUNT, AWS_REGION,
//     AWS_DEFAULT_REGION, CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION
//   - STACK_OUTPUTS: path of a file {stack: {key: value}}
//   - STACK_OUTPUTS_JSON: the content of that file, if it is at most 100 KiB
//   - STACK_OUTPUTS_DETAILED: path of a file {stack: {key: {value, description, exportName}}}
//   - OUTPUT_<STACK>_<KEY>: each output by itself
func (e Environment) Write(ctx context.Context, commands command.Files, dir string) ([]string, error) {
	values, err := json.MarshalIndent(e.Outputs.Values(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the stack outputs: %w", err)
	}
	outputs := e.Outputs
	if outputs == nil {
		outputs = Outputs{}
	}
	detailed, err := json.MarshalIndent(outputs, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the stack outputs: %w", err)
	}
	valuesFile, detailedFile := filepath.Join(dir, ValuesFile), filepath.Join(dir, DetailedFile)
	for path, data := range map[string][]byte{valuesFile: values, detailedFile: detailed} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return nil, errs.Writing(dir, err)
		}
		if err := commands.Send(ctx, path); err != nil {
			return nil, err
		}
	}
	env := append(append(slices.Clone(e.Own), e.variables()...),
		"STACK_OUTPUTS="+commands.Place(valuesFile), "STACK_OUTPUTS_DETAILED="+commands.Place(detailedFile))
	if len(values) <= maxInline {
		env = append(env, "STACK_OUTPUTS_JSON="+string(values))
	}
	return append(env, e.single()...), nil
}

func (e Environment) variables() []string {
	return []string{
		"ENVIRONMENT_NAME=" + e.Name, "COMMIT_SHA=" + e.Commit, "BRANCH=" + e.Branch,
		"AWS_ACCOUNT=" + e.Account, "AWS_REGION=" + e.Region, "AWS_DEFAULT_REGION=" + e.Region,
		"CDK_DEFAULT_ACCOUNT=" + e.Account, "CDK_DEFAULT_REGION=" + e.Region,
	}
}

// single returns a variable for each output. Outputs with different values that share a
// variable get none, as the value would be random.
func (e Environment) single() []string {
	var env []string
	meant := e.Outputs.byVariable()
	for _, name := range names(meant) {
		value := e.Outputs.value(meant[name][0])
		if len(value) <= maxInline && !e.Outputs.collide(meant[name]) {
			env = append(env, name+"="+value)
		}
	}
	return env
}

var (
	wordEnd = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	foreign = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// variable returns the name of an output's variable: ApiStack and ApiUrl make
// OUTPUT_API_STACK_API_URL.
func variable(stack, key string) string {
	words := wordEnd.ReplaceAllString(stack+"_"+key, "${1}_${2}")
	return "OUTPUT_" + strings.ToUpper(foreign.ReplaceAllString(words, "_"))
}
