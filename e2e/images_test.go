package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// imageApp is a CDK app whose stack has an image asset.
const imageApp = `import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';

const app = new App();
const stack = new Stack(app, 'ImagesOfTheShop', { env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION } });
new CfnOutput(stack, 'ImageUri', { value: new DockerImageAsset(stack, 'Worker', { directory: 'image' }).imageUri });
`

// TestAnImageAssetIsBuiltAndPushedByARestrictedPod is the whole way of an image: the BuildKit
// that generator bootstrap installs builds it for a deployment, which has no Docker, and
// pushes it to ECR.
func TestAnImageAssetIsBuiltAndPushedByARestrictedPod(t *testing.T) {
	p := newRepository(t, "images", shop, func(p *pipeline) {
		p.replace("cdk.json", "bin/shop", "bin/images")
		require.NoError(t, os.WriteFile(filepath.Join(p.folder, "bin", "images.ts"), []byte(imageApp), 0o644))
		p.program("image/worker")
		require.NoError(t, os.WriteFile(filepath.Join(p.folder, "image", "Dockerfile"), []byte("FROM scratch\nCOPY worker /worker\nENTRYPOINT [\"/worker\"]\n"), 0o644))
		p.configure(imageEnvironment)
	})
	printed := p.generator("bootstrap", "--yes", "--allow-shared-namespaces", "--image-builder")
	p.deleteAtEnd()
	p.secret = p.webhookSecret()
	p.useBuilder(printed)

	run := p.finished(p.push("Build an image"))
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	t.Log(run.table())
	repository := fmt.Sprintf("cdk-hnb659fds-container-assets-%s-%s", home, homeRegion)
	pushed, err := ecr.NewFromConfig(p.admin(home, homeRegion)).DescribeImages(p.ctx, &ecr.DescribeImagesInput{RepositoryName: &repository})
	require.NoError(t, err)
	require.Len(t, pushed.ImageDetails, 1)
	output := *p.stack(home, homeRegion, "ImagesOfTheShop").Outputs[0].OutputValue
	assert.Equal(t, pushed.ImageDetails[0].ImageTags, []string{output[strings.LastIndex(output, ":")+1:]})
	level := p.kubectl("get", "namespace", node.Runs, "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`)
	assert.Equal(t, "restricted", level)
}

const imageEnvironment = `
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: ImagesOfTheShop, path: bin/images.ts}]}
`

// program puts a static program into the work tree.
func (p *pipeline) program(path string) {
	p.t.Helper()
	target := filepath.Join(p.folder, path)
	require.NoError(p.t, os.MkdirAll(filepath.Dir(target), 0o755))
	build := exec.CommandContext(p.ctx, "go", "build", "-o", target, "./pause")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(p.t, err, string(output))
}

// useBuilder configures the image builder as bootstrap printed, with two differences of this
// cluster: names of Services are not resolved, and the registry of the simulated ECR has no TLS.
func (p *pipeline) useBuilder(printed string) {
	p.t.Helper()
	_, lines, found := strings.Cut(printed, "imageBuilder:\n")
	require.True(p.t, found, printed)
	fields := strings.Fields(lines)
	require.Equal(p.t, []string{"address:", "tlsSecretName:"}, []string{fields[0], fields[2]})
	host, port, _ := strings.Cut(strings.TrimPrefix(fields[1], "tcp://"), ":")
	namespace := fields[3]
	require.Equal(p.t, "buildkitd."+namespace+".svc", host)
	address := p.kubectl("get", "service", "buildkitd", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
	p.replace("aphex-config.yaml", "environments:\n", fmt.Sprintf(
		"imageBuilder: {address: \"tcp://%s:%s\", serverName: %s, tlsSecretName: %s}\nenvironments:\n", address, port, host, namespace))
	p.generator("apply", "--yes")

	settings := p.kubectl("get", "configmap", "buildkitd", "-n", namespace, "-o", `jsonpath={.data.buildkitd\.toml}`)
	plain := filepath.Join(p.work, "buildkitd.toml")
	registry := strings.TrimPrefix(p.world.AWS.URL(), "http://")
	require.NoError(p.t, os.WriteFile(plain, fmt.Appendf(nil, "%s\n[registry.%q]\n  http = true\n", settings, registry), 0o644))
	p.kubectl("delete", "configmap", "buildkitd", "-n", namespace)
	p.kubectl("create", "configmap", "buildkitd", "-n", namespace, "--from-file=buildkitd.toml="+plain)
	p.kubectl("rollout", "restart", "deployment/buildkitd", "-n", namespace)
	p.kubectl("rollout", "status", "deployment/buildkitd", "-n", namespace, "--timeout=180s")
}
