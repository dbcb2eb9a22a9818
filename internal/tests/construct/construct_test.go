// Package construct tests the npm package of the construct with Node.js and the CDK CLI.
package construct

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

const top = "../../.."

// folder is the folder of the built npm package.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(top, "construct"))
	require.NoError(t, err)
	for _, built := range []string{"lib/index.js", "assets/generator.wasm.gz", "node_modules/.bin/cdk", "node_modules/aphex-pipeline"} {
		_, err := os.Stat(filepath.Join(dir, built))
		require.NoError(t, err, "the construct is not built: run `make construct`")
	}
	return dir
}

// run runs a program and returns what it wrote to stdout.
func run(t *testing.T, dir string, env []string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	limited, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(limited, name, args...)
	command.Dir, command.Env, command.Stdin = dir, append(os.Environ(), env...), bytes.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "%s %s: %s%s", name, strings.Join(args, " "), out, stderr.String())
	return out
}

// place is where a configuration of the golden set is installed.
type place struct {
	File    string `json:"file"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// golden writes the golden configurations, completed with what a cluster requires.
func golden(t *testing.T) (places []place) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(top, "internal/argo/testdata/golden/*/"+config.File))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, line := range []string{"githubOwner: example", "githubRepo: shop", "clusterName: company-pipelines"} {
			key, _, _ := strings.Cut(line, ":")
			if !bytes.Contains(append([]byte("\n"), text...), []byte("\n"+key+":")) {
				text = append(text, "\n"+line+"\n"...)
			}
		}
		complete := filepath.Join(t.TempDir(), filepath.Base(filepath.Dir(file))+".yaml")
		require.NoError(t, os.WriteFile(complete, text, 0o600))
		cfg, err := config.Load(complete)
		require.NoError(t, err)
		places = append(places, place{complete, cfg.Environments[0].Account, cfg.Environments[0].Region})
	}
	return places
}

func TestTheConstructDeclaresWhatTheGeneratorRenders(t *testing.T) {
	t.Parallel()
	dir, places := folder(t), golden(t)
	request, err := json.Marshal(places)
	require.NoError(t, err)
	out := run(t, dir, []string{"CDK_VALIDATION=false"}, request, "node", "scripts/declared.cjs")
	var declared []struct {
		Resources, Objects json.RawMessage
		Outputs            []string
	}
	require.NoError(t, json.Unmarshal(out, &declared))
	require.Len(t, declared, len(places))

	version := packageVersion(t, dir)
	for i, place := range places {
		t.Run(filepath.Base(place.File), func(t *testing.T) {
			cfg, err := config.Load(place.File)
			require.NoError(t, err)
			at := plan.PlaceOf(cfg, place.Account, place.Region, config.File)
			at.Images, err = plan.ImagesOf(cfg, "", version)
			require.NoError(t, err)

			text, err := infra.Template(cfg, at)
			require.NoError(t, err)
			var template struct {
				Resources json.RawMessage
				Outputs   map[string]any
			}
			require.NoError(t, json.Unmarshal(text, &template))
			assert.JSONEq(t, string(template.Resources), string(declared[i].Resources))
			for name := range template.Outputs {
				assert.Contains(t, declared[i].Outputs, name)
			}
			assert.JSONEq(t, string(objects(t, cfg, at)), string(declared[i].Objects))
		})
	}
}

// objects are the objects that generator render prints, as a JSON list.
func objects(t *testing.T, cfg *config.Config, at plan.Place) []byte {
	t.Helper()
	p, err := plan.New(cfg, stages.Contracts(), at)
	require.NoError(t, err)
	rendered, err := argo.Objects(cfg, p, at)
	require.NoError(t, err)
	var list []json.RawMessage
	for _, object := range rendered {
		item, err := yaml.YAMLToJSON(object.YAML)
		require.NoError(t, err)
		list = append(list, item)
	}
	text, err := json.Marshal(list)
	require.NoError(t, err)
	return text
}

func packageVersion(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	require.NoError(t, err)
	var description struct{ Version string }
	require.NoError(t, json.Unmarshal(text, &description))
	return description.Version
}

// cluster is the stack of the team that owns the cluster.
const cluster = `{"Resources": {
	"Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {
		"Url": "https://oidc.example.test/id/1", "ClientIdList": ["sts.amazonaws.com"], "ThumbprintList": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]}},
	"Kubectl": {"Type": "AWS::IAM::Role", "Properties": {
		"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}]}}}},
	"Outputs": {
	"Name": {"Value": "company-pipelines", "Export": {"Name": "AphexCluster-company-pipelines-ClusterName"}},
	"Provider": {"Value": {"Ref": "Provider"}, "Export": {"Name": "AphexCluster-company-pipelines-OIDCProviderArn"}},
	"Kubectl": {"Value": {"Fn::GetAtt": ["Kubectl", "Arn"]}, "Export": {"Name": "AphexCluster-company-pipelines-KubectlRoleArn"}},
	"Group": {"Value": "sg-1", "Export": {"Name": "AphexCluster-company-pipelines-ClusterSecurityGroupId"}}}}`

const account = "111111111111"

func TestTheExamplesAreDeployedComparedAndDestroyed(t *testing.T) {
	for _, example := range []struct {
		folder, stack, region string
		buckets               []string
	}{
		{"construct-single", "MyAppPipeline", "us-east-1", []string{"aphex-my-app-111111111111-us-east-1"}},
		{"construct-multi", "Pipelines", "eu-west-1", []string{"aphex-frontend-pipeline-111111111111-eu-west-1", "aphex-backend-pipeline-111111111111-eu-west-1"}},
	} {
		t.Run(example.folder, func(t *testing.T) {
			t.Parallel()
			dir := build(t, example.folder)
			cloud, err := awssim.New(awssim.Options{})
			require.NoError(t, err)
			_, err = cloud.Start()
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, cloud.Close()) })
			keys := cloud.AddAccount(account)
			require.NoError(t, cloud.MakeBootstrap(account, example.region, "hnb659fds", ""))
			admin := adminOf(cloud, example.region)
			_, err = cfn.Deploy(t.Context(), cfn.NewClient(admin), cfn.Goal{Name: "cluster", Template: []byte(cluster)}, cfn.Options{})
			require.NoError(t, err)
			cdk := func(args ...string) string {
				env := append(keys.Env(cloud.URL(), example.region), "CI=true", "HOME="+t.TempDir(), "CDK_DISABLE_CLI_TELEMETRY=true")
				return string(run(t, dir, env, nil, filepath.Join(dir, "node_modules/.bin/cdk"), append(args, "--no-notices", "--no-color")...))
			}

			cdk("deploy", "--require-approval", "never", "--outputs-file", "outputs.json")
			text, err := os.ReadFile(filepath.Join(dir, "outputs.json"))
			require.NoError(t, err)
			for _, bucket := range example.buckets {
				assert.Contains(t, string(text), `"`+bucket+`"`)
				assert.True(t, exists(t, admin, bucket), bucket)
			}
			assert.Empty(t, cloud.Unknown())

			cdk("diff", "--fail", "--app", "cdk.out")

			declared, err := scaffold.DeclaredIn(filepath.Join(dir, "cdk.out"))
			require.NoError(t, err)
			assert.Len(t, declared, len(example.buckets))

			cdk("destroy", "--force", "--app", "cdk.out")
			stack, err := cfn.Find(t.Context(), cfn.NewClient(admin), example.stack)
			require.NoError(t, err)
			assert.Nil(t, stack)
			for _, bucket := range example.buckets {
				assert.True(t, exists(t, admin, bucket), "a bucket of records stays: "+bucket)
			}
		})
	}
}

// build compiles a copy of an example with the packages of the construct.
func build(t *testing.T, example string) string {
	t.Helper()
	packages, dir := filepath.Join(folder(t), "node_modules"), t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(top, "examples", example))))
	require.NoError(t, os.Symlink(packages, filepath.Join(dir, "node_modules")))
	run(t, dir, nil, nil, filepath.Join(packages, ".bin/tsc"))
	return dir
}

func adminOf(cloud *awssim.Server, region string) aws.Config {
	keys, url := cloud.AddAccount(account), cloud.URL()
	return aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
}

func exists(t *testing.T, admin aws.Config, bucket string) bool {
	t.Helper()
	_, err := s3.NewFromConfig(admin, func(o *s3.Options) { o.UsePathStyle = true }).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket})
	return err == nil
}
