package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func TestAFileThatWouldBeWrittenOverAnotherIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.MkdirAll(at("app/sub"), 0o755))
	require.NoError(t, os.WriteFile(at("kept.json"), []byte("{}"), 0o644))
	require.NoError(t, os.Symlink(at("kept.json"), at("link.json")))
	require.NoError(t, os.Link(at("kept.json"), at("hard.json")))
	require.NoError(t, os.Symlink(at("app"), at("alias")))
	source := deploy.Input{Config: "sub/aphex-config.yaml", Workspace: bucket.Workspace{Source: at("app"), Commit: commit}}
	built := deploy.Input{Config: "aphex-config.yaml", Workspace: bucket.Workspace{ArtifactDir: at("built"), Commit: commit}}
	for name, c := range map[string]struct {
		in   deploy.Input
		set  func(*deploy.Input)
		says string // "" is accepted
	}{
		"files of their own":             {source, func(in *deploy.Input) { in.OutputsFile, in.NamedOutputsFile = at("a.json"), at("b.json") }, ""},
		"a file in the workspace":        {source, func(in *deploy.Input) { in.OutputsFile = at("app/outputs.json") }, ""},
		"a file beside the artifact":     {built, func(in *deploy.Input) { in.OutputsFile = at("built/outputs.json") }, ""},
		"both outputs":                   {source, func(in *deploy.Input) { in.OutputsFile, in.NamedOutputsFile = at("a.json"), at("a.json") }, "--outputs-file and --named-outputs-file are the same file"},
		"the same in another spelling":   {source, func(in *deploy.Input) { in.OutputsFile, in.NamedOutputsFile = at("a.json"), at("app/../a.json") }, "are the same file"},
		"names that differ only by case": {source, func(in *deploy.Input) { in.OutputsFile, in.NamedOutputsFile = at("Out.json"), at("out.json") }, "are the same file"},
		"plain and detailed":             {source, func(in *deploy.Input) { in.NamedOutputsFile, in.DetailedOutputsFile = at("a.json"), at("a.json") }, "--named-outputs-file and --detailed-outputs-file are the same file"},
		"outputs and plan":               {source, func(in *deploy.Input) { in.NamedOutputsFile, in.PlanFile = at("a.json"), at("a.json") }, "--named-outputs-file and --plan-file are the same file"},
		"the plan that is executed":      {source, func(in *deploy.Input) { in.OutputsFile, in.ExecutePlan = at("a.json"), at("a.json") }, "--execute-plan and --outputs-file are the same file"},
		"a symbolic link":                {source, func(in *deploy.Input) { in.OutputsFile, in.ExecutePlan = at("link.json"), at("kept.json") }, "are the same file"},
		"a hard link":                    {source, func(in *deploy.Input) { in.OutputsFile, in.ExecutePlan = at("hard.json"), at("kept.json") }, "are the same file"},
		"the configuration":              {source, func(in *deploy.Input) { in.OutputsFile = at("app/sub/aphex-config.yaml") }, "--config and --outputs-file are the same file"},
		"the configuration by a link":    {source, func(in *deploy.Input) { in.OutputsFile = at("alias/sub/aphex-config.yaml") }, "--config and --outputs-file are the same file"},
		"the settings of the app":        {source, func(in *deploy.Input) { in.NamedOutputsFile = at("app/sub/cdk.json") }, "would overwrite a file in the folder of --source"},
		"its context":                    {source, func(in *deploy.Input) { in.PlanFile = at("app/cdk.context.json") }, "would overwrite a file in the folder of --source"},
		"a file of the assembly":         {source, func(in *deploy.Input) { in.Assembly, in.OutputsFile = at("out"), at("out/manifest.json") }, "would overwrite a file in the folder of --assembly"},
		"the document of the artifact":   {built, func(in *deploy.Input) { in.OutputsFile = at("built/" + commit + "/artifact.json") }, "would overwrite a file in the folder of --artifact-dir"},
		"what is known of environments":  {built, func(in *deploy.Input) { in.OutputsFile = at("built/metadata/stacks/dev.json") }, "would overwrite a file in the folder of --artifact-dir"},
	} {
		in := c.in
		c.set(&in)
		err := in.Validate()
		if c.says == "" {
			assert.NoError(t, err, name)
			continue
		}
		if assert.ErrorContains(t, err, c.says, name) {
			assert.Equal(t, errs.Invalid, errs.KindOf(err), name)
			assert.True(t, strings.HasPrefix(errs.HintOf(err), "use "), name)
		}
	}
}
