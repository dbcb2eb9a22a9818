package programs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// useCases are the examples of docs/use-cases, and lines that their runs end with.
var useCases = map[string][]string{
	"multi-environment": {
		`dev +OrdersStack +eu-west-1 +created`, `staging +OrdersStack +eu-west-1 +created`, `prod +OrdersStack +eu-central-1 +created`,
		`OrdersStack\.LogLevelInUse +warn`,
	},
	"multi-region": {
		`prod-ireland +StoreStack +eu-west-1 +created`, `prod-virginia +StoreStack +us-east-1 +created`, `prod-sydney +StoreStack +ap-southeast-2 +created`,
	},
	"microservices": {
		`dev +EventsStack .*created`, `dev +OrdersStack .*created`, `dev +BillingStack .*created`, `prod +BillingStack .*created`,
	},
	"serverless":    {`dev +NotesStack .*created`, `prod +NotesStack .*created`},
	"data-pipeline": {`dev +LakeStack .*created`, `prod +TransformStack .*created`, `prod: nightly jobs run as arn:aws:states:`},
}

// TestTheExamplesOfTheUseCasesRun runs the pipeline of each, whose own tests check what was deployed.
func TestTheExamplesOfTheUseCasesRun(t *testing.T) {
	t.Parallel()
	bin, packages := build(t), filepath.Dir(cdk(t))
	pages, err := filepath.Glob("../../../docs/use-cases/*.md")
	require.NoError(t, err)
	require.Len(t, pages, len(useCases))
	for name, lines := range useCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.FileExists(t, filepath.Join("../../../docs/use-cases", name+".md"))
			dir := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("../../../examples", name))))
			user := person{t, dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "NO_COLOR=1")}
			configuration := user.reads("aphex-config.yaml")
			require.Contains(t, configuration, "- npm install\n")
			user.writes("aphex-config.yaml", strings.Replace(configuration, "- npm install\n", "- ln -s "+packages+" node_modules\n", 1))
			user.does("git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -q -m Start")
			screen := user.does("generator run --source . --yes")
			for _, line := range lines {
				assert.Regexp(t, line, screen)
			}
		})
	}
}
