package planned_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

func published(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile("../../../schema/plan.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(planned.Schema, document))
	schema, err := compiler.Compile(planned.Schema)
	require.NoError(t, err)
	return schema
}

func TestEveryPlanIsValidByThePublishedSchema(t *testing.T) {
	schema, everything := published(t), planOfEverything()
	for i := range everything.Stacks {
		s := &everything.Stacks[i]
		s.After, s.Changes = append([]string{}, s.After...), append([]planned.Resource{}, s.Changes...)
	}
	unknown := &planned.Plan{Version: planned.Version, Environment: "own", Basis: planned.FromTemplates, PreDeploy: []string{}, PostDeploy: []string{}, Assets: []planned.Asset{}, Problem: "no access", Hint: "a role"}
	wrong := *everything
	wrong.Basis = "guess"
	for _, c := range []struct {
		plan  *planned.Plan
		valid bool
	}{{everything, true}, {unknown, true}, {&wrong, false}} {
		text, err := c.plan.JSON()
		require.NoError(t, err)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		assert.Equal(t, c.valid, schema.Validate(value) == nil, "%v", schema.Validate(value))
	}
}

func TestTheSchemaDescribesEveryMemberOfAPlan(t *testing.T) {
	data, err := os.ReadFile("../../../schema/plan.schema.json")
	require.NoError(t, err)
	var schema struct {
		Properties  map[string]any
		Definitions map[string]struct{ Properties map[string]any }
	}
	require.NoError(t, json.Unmarshal(data, &schema))
	protection := true
	for name, c := range map[string]struct {
		value any
		has   map[string]any
	}{
		"plan": {planned.Plan{Basis: planned.FromTemplates, Gates: []planned.Gate{{}}, Problem: "p", Hint: "h"}, schema.Properties},
		"stack": {planned.Stack{
			Status: "s", Because: "b", Hint: "h", Warnings: []string{"w"}, ChangeSet: "c", StackID: "i", Digest: "d", TemplateDigest: "t", Protection: &protection, DeployRole: "r", ExecutionRole: "e",
		}, schema.Definitions["stack"].Properties},
		"change":     {planned.Resource{Nested: []string{"n"}, Path: "p", Properties: []diff.Change{{}}, Causes: []string{"c"}, Data: diff.Deleted}, schema.Definitions["change"].Properties},
		"property":   {diff.Change{Before: "b", After: "a"}, schema.Definitions["property"].Properties},
		"broadening": {diff.Broadening{Nested: []string{"n"}, Path: "p"}, schema.Definitions["broadening"].Properties},
		"asset":      {planned.Asset{Role: "r"}, schema.Definitions["asset"].Properties},
		"gate":       {planned.Gate{}, schema.Definitions["gate"].Properties},
	} {
		text, err := json.Marshal(c.value)
		require.NoError(t, err)
		var members map[string]any
		require.NoError(t, json.Unmarshal(text, &members))
		for member := range members {
			assert.Contains(t, c.has, member, name)
		}
		assert.Len(t, c.has, len(members), name)
	}
}

func TestTwoPlansHaveOneDigestIfTheyDoTheSame(t *testing.T) {
	digest := func(change func(*planned.Plan)) string {
		p := planOfEverything()
		change(p)
		text, err := p.Digest()
		require.NoError(t, err)
		return text
	}
	first := digest(func(*planned.Plan) {})
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", first)
	for name, same := range map[string]func(*planned.Plan){
		"change sets of their own": func(p *planned.Plan) { p.Stacks[0].ChangeSet, p.Stacks[0].StackID = "arn:other", "arn:stack" },
		"assets that are there":    func(p *planned.Plan) { p.Assets[0].Exists = true },
		"explanations": func(p *planned.Plan) {
			p.Stacks[0].Because, p.Stacks[1].Hint, p.Stacks[0].Warnings = "why", "what", []string{"a bucket has objects now"}
		},
		"change sets that are not kept": func(p *planned.Plan) { p.Kept = false },
	} {
		assert.Equal(t, first, digest(same), name)
	}
	for name, other := range map[string]func(*planned.Plan){
		"another commit":    func(p *planned.Plan) { p.Commit = "abc" },
		"another template":  func(p *planned.Plan) { p.Stacks[0].TemplateDigest = "sha256:1" },
		"another parameter": func(p *planned.Plan) { p.Stacks[0].Digest = "sha256:1" },
		"a resource more": func(p *planned.Plan) {
			p.Stacks[1].Changes = append(p.Stacks[1].Changes, planned.Resource{Action: "add"})
		},
		"a permission more":      func(p *planned.Plan) { p.Stacks[1].Broader = []diff.Broadening{{Text: "x"}} },
		"a gate less":            func(p *planned.Plan) { p.Gates = nil },
		"another hook":           func(p *planned.Plan) { p.PreDeploy = []string{"true"} },
		"another asset":          func(p *planned.Plan) { p.Assets[0].To = "s3://bucket/c.zip" },
		"another order":          func(p *planned.Plan) { p.Stacks[0], p.Stacks[1] = p.Stacks[1], p.Stacks[0] },
		"made of templates":      func(p *planned.Plan) { p.Basis = planned.FromTemplates },
		"another execution role": func(p *planned.Plan) { p.Stacks[0].ExecutionRole = "arn:admin" },
	} {
		assert.NotEqual(t, first, digest(other), name)
	}
	again := planOfEverything()
	before, err := again.JSON()
	require.NoError(t, err)
	_, err = again.Digest()
	require.NoError(t, err)
	after, err := again.JSON()
	require.NoError(t, err)
	assert.Equal(t, before, after, "the plan itself stays")
}

func TestAReplacementDestroysAndARemovalThatRetainsDoesNot(t *testing.T) {
	for _, c := range []struct {
		change   planned.Resource
		destroys bool
	}{
		{planned.Resource{Action: planned.Replace, Data: diff.Retained}, true},
		{planned.Resource{Action: planned.MayReplace, Data: diff.Snapshotted}, true},
		{planned.Resource{Action: planned.Remove, Data: diff.Deleted}, true},
		{planned.Resource{Action: planned.Remove, Data: diff.Snapshotted}, true},
		{planned.Resource{Action: planned.Remove, Data: diff.Retained}, false},
		{planned.Resource{Action: planned.MayRemove, Data: diff.Retained}, false},
		{planned.Resource{Action: planned.Replace}, false},
		{planned.Resource{Action: "modify"}, false},
	} {
		p := planned.Plan{Stacks: []planned.Stack{{Intent: planned.WillUpdate, Changes: []planned.Resource{c.change}}}}
		p.Settle()
		assert.Equal(t, c.destroys, p.Destructive, c.change)
		assert.Equal(t, c.destroys, len(p.Against([]config.PlanReason{config.Destructive})) > 0)
		assert.Empty(t, p.Against([]config.PlanReason{config.Broadening}))
		assert.Empty(t, p.Against(nil))
	}
}
