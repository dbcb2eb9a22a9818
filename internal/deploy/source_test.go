package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

func TestAnnotationsAndFindingsNameTheLineOfTheApp(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	at := func(line string) string {
		return `{"type":"aws:cdk:creationStack","data":["new Queue (/x/node_modules/aws-cdk-lib/q.js:1:1)","new Shop (` + filepath.Join(root, "lib", "shop.ts") + `:` + line + `:5)"]}`
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"version":"36.0.0","artifacts":{"Shop":{"type":"aws:cloudformation:stack",
		"environment":"aws://111111111111/eu-west-1","properties":{"templateFile":"Shop.template.json"},"displayName":"Shop",
		"metadata":{"/Shop/Orders":[`+at("12")+`,{"type":"aws:cdk:error","data":"no owner"}],"/Shop/Other":[{"type":"aws:cdk:error","data":"no line"}]}}}}`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Shop.template.json"), []byte(`{"Resources":{}}`), 0o644))
	read, err := assembly.Read(dir)
	require.NoError(t, err)
	j := &job{Request: Request{Workspace: root}, sent: root, engine: Engine{Runner: proc.Runner{}}}
	err = j.checkMessages([]target{{name: "Shop", app: "app", stack: read.Stacks[0]}}, []*app{{options: synth.Options{App: "app"}, assembly: read}})
	require.EqualError(t, err, "the CDK app reports errors:\n  Shop/Orders: no owner (lib/shop.ts:12)\n  Shop/Other: no line")

	report := synth.Report{Failed: []string{"P"}, Findings: []synth.Finding{{Severity: "error", Text: "bad", Rule: "R", Plugin: "P", Path: "Shop/Orders/Resource"}}}
	report.Locate(j.sourceAmong(read.Stacks))
	assert.ErrorContains(t, report.Err(), "Shop/Orders/Resource: bad (P R) (lib/shop.ts:12)")
}
