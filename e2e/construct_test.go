package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

// The template of the construct is deployed here as the CDK does: CloudFormation creates the AWS side, and
// kubectl apply what the custom resources give to the kubectl provider.
func TestAPipelineOfTheConstructStartsARunAndUpdatesItself(t *testing.T) {
	p := newRepository(t, "built", shop, func(p *pipeline) {
		p.replace("bin/shop.ts", "'DatabaseStack'", "'"+p.database()+"'")
		p.configure(oneEnvironment)
	})
	template := p.synthesizedConstruct()
	p.deleteAtEnd()
	_, err := cfn.Deploy(p.ctx, cfn.NewClient(p.admin(home, homeRegion)), cfn.Goal{Name: "BuiltPipeline", Template: template.awsSide(t)}, cfn.Options{})
	require.NoError(t, err)
	for _, objects := range template.manifests(t) {
		_, err := p.node.Kubectl(p.ctx, objects, "apply", "-f", "-")
		require.NoError(t, err)
	}
	p.copySecret(template)
	// A push before the webhook listens and the Sensor has subscribed is lost.
	for selector, line := range map[string]string{"eventsource-name=" + p.name + "-github": "route is activated", "sensor-name=" + p.name + "-sensor": "Subscribing to subject"} {
		p.eventually(selector, 3*time.Minute, func() bool {
			log, err := p.node.Kubectl(p.ctx, "", "logs", "-n", node.Events, "-l", selector, "--tail=-1")
			return err == nil && strings.Contains(log, line)
		})
	}
	p.eventually("the webhook", time.Minute, func() bool {
		response, err := http.Get(p.webhook())
		if err == nil {
			_ = response.Body.Close()
		}
		return err == nil
	})

	first := p.finished(p.push("Open"))
	require.Equal(t, "Succeeded", first.Status.Phase, first.Status.Message)
	assert.Equal(t, []string{"validate", "build", "pipeline", "deploy-dev", "record"}, first.names())

	// The objects of the next commit replace what kubectl apply set.
	p.configure(twoEnvironments)
	second := p.finished(p.push("Go live"))
	require.Equal(t, "Succeeded", second.Status.Phase, second.Status.Message)
	third := p.ended(second.Metadata.Name + "-h")
	require.Equal(t, "Succeeded", third.Status.Phase, third.Status.Message)
	assert.Equal(t, []string{"pipeline", "deploy-dev", "deploy-live", "record"}, third.names())
	managers := p.kubectl("get", "sensor/"+p.name+"-sensor", "-n", node.Events, "-o", "jsonpath={.metadata.managedFields[*].manager}", "--show-managed-fields")
	assert.NotContains(t, managers, "kubectl-client-side-apply")
}

// constructTemplate is a template that the construct synthesizes.
type constructTemplate struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
		DependsOn  []string `json:",omitempty"`
	}
	Outputs map[string]struct{ Value any }

	whole map[string]any
}

const manifestType = "Custom::AWSCDK-EKS-KubernetesResource"

// synthesizedConstruct synthesizes the construct for the configuration of the work tree.
func (p *pipeline) synthesizedConstruct() (template constructTemplate) {
	p.t.Helper()
	request, err := json.Marshal([]map[string]string{{"file": filepath.Join(p.folder, "aphex-config.yaml"), "account": home, "region": homeRegion}})
	require.NoError(p.t, err)
	command := exec.CommandContext(p.ctx, "node", "scripts/declared.cjs", "--templates")
	command.Dir, command.Stdin = "../construct", strings.NewReader(string(request))
	output, err := command.Output()
	require.NoError(p.t, err, "the construct must be built: make construct")
	templates, wholes := []constructTemplate{}, []map[string]any{}
	require.NoError(p.t, json.Unmarshal(output, &templates))
	require.NoError(p.t, json.Unmarshal(output, &wholes))
	template = templates[0]
	template.whole = wholes[0]
	return template
}

// awsSide is the template without what the kubectl provider applies.
func (c constructTemplate) awsSide(t *testing.T) []byte {
	t.Helper()
	resources := c.whole["Resources"].(map[string]any)
	for id, resource := range c.Resources {
		if resource.Type == manifestType {
			delete(resources, id)
		}
	}
	text, err := json.Marshal(c.whole)
	require.NoError(t, err)
	return text
}

// manifests are the lists of objects of the custom resources, each after those that it depends on.
func (c constructTemplate) manifests(t *testing.T) (lists []string) {
	t.Helper()
	done := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		resource, found := c.Resources[id]
		if !found || done[id] {
			return
		}
		done[id] = true
		for _, before := range resource.DependsOn {
			add(before)
		}
		if resource.Type != manifestType {
			return
		}
		var items []any
		require.NoError(t, json.Unmarshal([]byte(resource.Properties["Manifest"].(string)), &items))
		list, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
		require.NoError(t, err)
		lists = append(lists, string(list))
	}
	for id := range c.Resources {
		add(id)
	}
	require.Len(t, lists, 3)
	return lists
}

// copySecret does what the output WebhookSecretCommand says.
func (p *pipeline) copySecret(c constructTemplate) {
	p.t.Helper()
	command, _ := c.Outputs["PipelineWebhookSecretCommand"].Value.(string)
	_, kubectl, found := strings.Cut(command, "| kubectl ")
	require.True(p.t, found, command)
	for _, resource := range c.Resources {
		if resource.Type != "AWS::SecretsManager::Secret" {
			continue
		}
		name := resource.Properties["Name"].(string)
		require.Contains(p.t, command, name)
		secret, err := secretsmanager.NewFromConfig(p.admin(home, homeRegion)).GetSecretValue(p.ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		require.NoError(p.t, err)
		p.secret = aws.ToString(secret.SecretString)
	}
	_, err := p.node.Kubectl(p.ctx, p.secret, strings.Fields(kubectl)...)
	require.NoError(p.t, err)
}
