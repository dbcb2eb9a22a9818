package documents_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model is a JSON document of the product, with the Go types that it consists of.
type model struct {
	title, about string
	parts        []part
}

// part is a Go type, by the file that declares it.
type part struct{ file, name string }

var models = []model{
	{"The record of a run", "`metadata/workflows/<run>.json` in the artifact bucket.", []part{
		{"stages/record/record.go", "Document"},
		{"stages/record/document.go", "Failure"},
		{"stages/record/document.go", "Attempt"},
		{"internal/stage/removed.go", "RemovedStack"},
		{"internal/notify/notify.go", "Delivery"},
		{"stages/record/document.go", "Published"},
		{"stages/record/document.go", "Signing"},
	}},
	{"The event of a run", "What targets of `notifications` get: a CloudEvent 1.0, by `schema/run-event.schema.json`.", []part{
		{"internal/notify/event/event.go", "Event"}, {"internal/notify/event/event.go", "Run"}, {"internal/notify/event/event.go", "Environment"}, {"internal/notify/event/event.go", "Stack"},
	}},
	{"The index of runs", "`metadata/workflows/index.json` in the artifact bucket. `generator history --json` prints its `runs`, `generator show --json` the record of a run.", []part{
		{"stages/record/index.go", "Index"}, {"stages/record/index.go", "Environment"}, {"stages/record/index.go", "Failed"}, {"stages/record/index.go", "Summary"}, {"stages/record/index.go", "Deployment"},
	}},
	{"Gates of an environment", "The output `gates` of `deployer gate`, and the `gates` in the `summary` of a deployment; a freeze is `metadata/freezes/<environment>.json`, overrides are `metadata/overrides/<run>/<environment>.json` in the artifact bucket.", []part{
		{"internal/deploy/gate/gate.go", "Outcome"}, {"internal/deploy/gate/store.go", "Override"}, {"internal/deploy/gate/store.go", "Freeze"}, {"internal/deploy/gate/store.go", "Lifted"},
	}},
	{"The release record", "The predicate of `metadata/signed/releases/<run>/<number>.json` in the artifact bucket, by `schema/release-record.schema.json`.", []part{
		{"internal/attest/release.go", "Release"},
		{"internal/attest/release.go", "Asked"},
		{"internal/attest/release.go", "Environment"},
		{"internal/attest/release.go", "Stack"},
		{"internal/attest/release.go", "Gate"},
		{"internal/attest/release.go", "Opened"},
		{"internal/attest/release.go", "Tests"},
		{"internal/attest/release.go", "Step"},
	}},
	{"What is proven of a run", "`generator verify --json` prints it.", []part{
		{"internal/runs/verify/verify.go", "Report"}, {"internal/runs/verify/verify.go", "Check"},
	}},
	{"The status", "`generator status --json` prints it.", []part{
		{"internal/runs/history/history.go", "Status"}, {"internal/runs/history/history.go", "EnvironmentStatus"}, {"internal/runs/history/history.go", "Running"},
	}},
	{"The record of a step", "`metadata/workflows/<run>/<step>.json` in the artifact bucket, and `result.json` among the output files of a stage.", []part{
		{"internal/stage/record.go", "Record"},
		{"internal/stage/details.go", "Details"},
		{"internal/stage/details.go", "StackDetails"},
		{"internal/stage/details.go", "ResourceDetails"},
		{"internal/stage/details.go", "WiderRight"},
		{"internal/stage/details.go", "StackOutput"},
		{"internal/stage/details.go", "TestDetails"},
	}},
	{"What was deployed", "`metadata/workflows/deployed.json` and `metadata/deployed/<environment>.json` in the artifact bucket.", []part{
		{"internal/stage/record.go", "Deployed"},
	}},
	{"The artifact", "`<commit>/artifact.json` in the artifact bucket.", []part{
		{"internal/bucket/metadata.go", "Metadata"}, {"internal/bucket/metadata.go", "Command"}, {"internal/bucket/metadata.go", "File"},
	}},
	{"The report of the tests", "`<commit>/<environment>/tests/report.json` in the artifact bucket.", []part{
		{"stages/test/test.go", "Document"}, {"stages/test/junit.go", "Totals"}, {"stages/test/junit.go", "Report"}, {"internal/checkout/commands.go", "CommandResult"},
	}},
	{"A problem of the configuration", "`generator check --json` prints `problems`, a list of these, each with its `severity`: error or warning.", []part{
		{"internal/config/problems.go", "Problem"},
	}},
	{"A check of an installed pipeline", "`generator doctor --json` prints `checks`, a list of these.", []part{
		{"internal/install/doctor.go", "Result"},
	}},
	{"A diagnosis", "`deployer diagnose --json` prints `diagnoses`, a list of these.", []part{
		{"internal/deploy/diagnose.go", "Diagnosis"}, {"internal/deploy/cfn/finding.go", "Finding"}, {"internal/deploy/cfn/cause.go", "Detail"},
	}},
	{"The plan of a deployment", "The file of `--plan-file`, which `--execute-plan` reads, by `schema/plan.schema.json`.", []part{
		{"internal/deploy/planned/plan.go", "Plan"},
		{"internal/deploy/planned/plan.go", "Stack"},
		{"internal/deploy/planned/plan.go", "Resource"},
		{"internal/deploy/planned/plan.go", "Asset"},
		{"internal/deploy/planned/plan.go", "Gate"},
		{"internal/deploy/diff/properties.go", "Change"},
		{"internal/deploy/diff/broadening.go", "Broadening"},
	}},
}

func TestTheDataModelsPageShowsTheTypesOfTheProgram(t *testing.T) {
	file, want := filepath.Join(root, "docs/data-models.md"), modelsPage(t)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run make golden")
}

// modelsPage is docs/data-models.md.
func modelsPage(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(`# Data models

<!-- Generated from the Go types by make golden. -->

The JSON documents that programs write for other programs. [Bucket layout](bucket-layout.md) lists their keys in the artifact bucket. The
configuration has a [page of its own](configuration.md) and a JSON Schema, ` + "`schema/aphex-config.schema.json`" + `, which
` + "`generator schema`" + ` prints. Times are in RFC 3339 format. Fields marked optional are left out when they are empty.
`)
	var sources []string
	for _, m := range models {
		fmt.Fprintf(&text, "\n## %s\n\n%s\n", m.title, m.about)
		for i, p := range m.parts {
			if i > 0 {
				fmt.Fprintf(&text, "\n### %s in %s\n", p.name, strings.ToLower(m.title[:1])+m.title[1:])
			}
			text.WriteString("\n" + fieldsTable(t, p))
			if len(sources) == 0 || !strings.Contains(strings.Join(sources, "\n"), p.file) {
				sources = append(sources, p.file)
			}
		}
	}
	text.WriteString("\n**Source**\n")
	for _, source := range sources {
		fmt.Fprintf(&text, "- `%s`\n", source)
	}
	return text.String()
}

// fieldsTable is the doc comment of a type, and the table of its fields.
func fieldsTable(t *testing.T, p part) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, p.file), nil, parser.ParseComments)
	require.NoError(t, err)
	for _, declaration := range file.Decls {
		general, is := declaration.(*ast.GenDecl)
		if !is || general.Tok != token.TYPE {
			continue
		}
		spec := general.Specs[0].(*ast.TypeSpec)
		structure, is := spec.Type.(*ast.StructType)
		if spec.Name.Name != p.name || !is {
			continue
		}
		text := oneLine(general.Doc) + "\n\n| Field | Type | Meaning |\n|---|---|---|\n"
		for _, field := range structure.Fields.List {
			text += row(t, p, field)
		}
		return text
	}
	t.Fatalf("%s has no struct %s", p.file, p.name)
	return ""
}

func row(t *testing.T, p part, field *ast.Field) string {
	t.Helper()
	if len(field.Names) == 0 {
		return fmt.Sprintf("| those of %s | | |\n", jsonType(types.ExprString(field.Type)))
	}
	if !field.Names[0].IsExported() {
		return ""
	}
	require.NotNil(t, field.Tag, "%s: a field of %s has no JSON name", p.file, p.name)
	name, options, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
	require.NotEmpty(t, name, "%s: a field of %s has no JSON name", p.file, p.name)
	if name == "-" {
		return ""
	}
	meaning := strings.TrimSpace(oneLine(field.Doc) + " " + oneLine(field.Comment))
	if strings.Contains(options, "omit") {
		meaning = strings.TrimSuffix("optional; "+meaning, "; ")
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, jsonType(types.ExprString(field.Type)), meaning)
}

// jsonType names a Go type as a reader of JSON knows it.
func jsonType(name string) string {
	if element, is := strings.CutPrefix(name, "[]"); is {
		return "list of " + jsonType(element)
	}
	if element, is := strings.CutPrefix(name, "map[string]"); is {
		return "mapping to " + jsonType(element)
	}
	switch name = strings.TrimPrefix(name, "*"); name {
	case "bool":
		return "true or false"
	case "int", "int64", "float64":
		return "number"
	case "time.Time":
		return "time"
	case "string", "Intent", "Kind":
		return "string"
	}
	_, short, qualified := strings.Cut(name, ".")
	if !qualified {
		short = name
	}
	return "`" + short + "`"
}

// oneLine is a comment as text of a table.
func oneLine(comment *ast.CommentGroup) string {
	return strings.NewReplacer("<", "&lt;", "|", `\|`).Replace(strings.Join(strings.Fields(comment.Text()), " "))
}
