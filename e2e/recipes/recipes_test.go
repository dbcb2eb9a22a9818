package recipes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const heading = "### With Docker\n"

var (
	block = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	stage = regexp.MustCompile(`public\.ecr\.aws/aphex/(\w+)`)
)

// section returns the section of the document about Docker.
func section(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(*document)
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), heading)
	require.True(t, found, "the document has no section %q", heading)
	rest, _, _ = strings.Cut(rest, "\n##")
	return rest
}

// recipes returns its commands by image.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, fenced := range block.FindAllStringSubmatch(section(t), -1) {
		for _, command := range strings.SplitAfter(strings.ReplaceAll(fenced[1], "\\\n", "\\\r"), "\n") {
			if image := stage.FindStringSubmatch(command); image != nil {
				require.NotContains(t, all, image[1], "two recipes of the same image")
				all[image[1]] = strings.ReplaceAll(command, "\\\r", "\\\n")
			}
		}
	}
	require.Len(t, all, 4)
	return all
}

func TestEachStageRunsOnAFolderWithItsRecipe(t *testing.T) {
	recipe, who := recipes(t), newTeam(t)
	commit := who.succeed("git rev-parse HEAD")

	assert.Contains(t, who.succeed(recipe["validator"]), "the commit is valid: no findings")
	who.mine()

	who.succeed(recipe["builder"])
	who.mine("built/")

	who.succeed(recipe["deployer"])
	who.mine("built/")
	for name, region := range map[string]string{"DatabaseStack": "eu-west-1", "ApiStack": "eu-west-1", "EdgeStack": "us-east-1"} {
		assert.Equal(t, types.StackStatusCreateComplete, stack(t, region, name).StackStatus, name)
	}
	var outputs map[string]map[string]string
	read(t, filepath.Join(who.folder, "built", commit, "dev/outputs.json"), &outputs)
	assert.Equal(t, "https", strings.Split(outputs["ApiStack"]["ApiUrl"], ":")[0])

	who.succeed(recipe["tester"])
	who.mine("built/")
	var report struct{ Totals struct{ Tests, Failures int } }
	read(t, filepath.Join(who.folder, "built", commit, "dev/tests/report.json"), &report)
	assert.Equal(t, 6, report.Totals.Tests)
	assert.Zero(t, report.Totals.Failures)

	t.Run("the folder as it is in place of what was built", func(t *testing.T) { asItIs(t, recipe) })
}

// asItIs builds in the folder with a shell in the builder's image, and deploys and tests
// the folder, with the variants that the text below the recipes describes.
func asItIs(t *testing.T, recipe map[string]string) {
	who := newTeam(t)
	build, _, found := strings.Cut(recipe["builder"], "public.ecr.aws/")
	require.True(t, found)
	who.succeed(build + "--entrypoint bash public.ecr.aws/aphex/builder -ec 'npm ci --no-audit --no-fund; npm run build; git status'")
	const variables = "--env AWS_ACCESS_KEY_ID --env AWS_SECRET_ACCESS_KEY --env AWS_SESSION_TOKEN"
	for _, variant := range []string{
		"`--source .`", "`--detailed-outputs-file outputs.json`", "`--outputs-file outputs.json`",
		"`--volume /tmp`", "`" + variables + "`", "`--entrypoint bash`",
	} {
		require.Contains(t, section(t), variant)
	}
	outputs := map[string]string{"deployer": "--detailed-outputs-file outputs.json", "tester": "--outputs-file outputs.json"}
	from := func(name string) string {
		return instead(t, recipe[name], "--artifact-dir built", "--source . "+outputs[name], "--tmpfs /tmp:exec", "--volume /tmp",
			"--volume ~/.aws:/tmp/.aws:ro --env AWS_PROFILE", variables+" --env AWS_ENDPOINT_URL")
	}
	who.environment = shared.world.AWS.AddAccount(home).Env(shared.world.AWS.URL(), "eu-west-1")

	who.succeed(from("deployer"))
	who.succeed(from("tester"))
	who.mine("artifacts/", "dist/", "node_modules/", "outputs.json", "reports/")
	assert.FileExists(t, filepath.Join(who.folder, "reports/deployed.xml"))

	who.succeed("sed -i 's/npm run --silent test:deployed/exit 3/' aphex-config.yaml")
	shown, code := who.run(from("tester"))
	assert.Equal(t, 1, code, shown)
	assert.Contains(t, shown, "exit 3")
}

func TestAFolderThatTheContainerMayNotWriteToIsNamed(t *testing.T) {
	recipe, who := recipes(t), newTeam(t)
	who.succeed("chmod -R a+rX .") // the configuration must be readable
	for left, want := range map[string]string{
		`--user "$(id -u):$(id -g)" `: `"/workspace/built" is not writable`,
		"--tmpfs /tmp:exec ":          `"/tmp" is not writable`,
	} {
		shown, code := who.run(instead(t, recipe["builder"], left, ""))
		assert.Equal(t, 2, code, shown)
		assert.Contains(t, shown, want)
	}
}

func TestCtrlCEndsAContainer(t *testing.T) {
	recipe, who := recipes(t), newTeam(t)
	who.succeed("sed -i 's/npm ci .*/echo slow; sleep 300/' aphex-config.yaml")
	shown, code := who.interrupt(recipe["builder"], "slow\r\n")
	assert.Equal(t, 143, code, shown)
	assert.Empty(t, who.succeed("docker ps --all --quiet"))
	who.mine("built/")
}

// instead edits a recipe: pairs of old and new text.
func instead(t *testing.T, recipe string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, recipe, pairs[i])
		recipe = strings.ReplaceAll(recipe, pairs[i], pairs[i+1])
	}
	return recipe
}

func stack(t *testing.T, region, name string) types.Stack {
	t.Helper()
	keys, url := shared.world.AWS.AddAccount(home), shared.world.AWS.URL()
	client := cloudformation.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	found, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	require.NoError(t, err)
	return found.Stacks[0]
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into), string(text))
}
