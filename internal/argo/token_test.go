package argo_test

import (
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// tokensIn lists the audiences of the tokens that a container finds, "" of the cluster.
func tokensIn(node wfv1.Template, container corev1.Container) (audiences []string) {
	for _, mount := range container.VolumeMounts {
		for _, volume := range node.Volumes {
			if volume.Name != mount.Name || volume.Projected == nil {
				continue
			}
			for _, source := range volume.Projected.Sources {
				if source.ServiceAccountToken != nil {
					audiences = append(audiences, source.ServiceAccountToken.Audience)
				}
			}
		}
	}
	return audiences
}

func TestOnlyTheStagesThatCallTheClusterHaveATokenOfIt(t *testing.T) {
	template := render(t, github+configuration("dev"))
	require.NotNil(t, template.Spec.AutomountServiceAccountToken)
	assert.False(t, *template.Spec.AutomountServiceAccountToken)
	assert.Equal(t, "my-app-deploy-results", template.Spec.Executor.ServiceAccountName)
	for _, node := range template.Spec.Templates {
		assert.Nil(t, node.AutomountServiceAccountToken, node.Name)
		assert.Nil(t, node.Executor, node.Name)
		for _, container := range containers(node) {
			want := []string{"sts.amazonaws.com"}
			if isForCommands(container) {
				assert.Empty(t, tokensIn(node, container), "%s: %s", node.Name, container.Name)
				continue
			}
			if slices.Contains([]string{"deployer pipeline", "deployer reconcile"}, strings.Join(container.Command, " ")) {
				want = append(want, "")
			}
			assert.Equal(t, want, tokensIn(node, container), "%s: %s", node.Name, container.Name)
		}
	}
}

func TestOnlyTheStagesThatPublishAssetsHaveTheCertificatesOfTheImageBuilder(t *testing.T) {
	const volume = "image-builder"
	mounting := map[string]bool{}
	template := render(t, github+"imageBuilder: {address: \"tcp://builder.test:1234\", tlsSecretName: builder}\n"+configuration("dev"))
	for _, node := range template.Spec.Templates {
		assert.NotContains(t, node.PodSpecPatch, volume, "commands never see it")
		for _, container := range containers(node) {
			for _, mount := range container.VolumeMounts {
				if mount.Name != volume {
					continue
				}
				assert.False(t, isForCommands(container), node.Name)
				assert.True(t, mount.ReadOnly)
				mounting[node.Name] = true
				values := variables(container)
				assert.Equal(t, "tcp://builder.test:1234", values["APHEX_IMAGE_BUILDER"])
				assert.Equal(t, mount.MountPath, values["APHEX_IMAGE_BUILDER_TLS"])
			}
		}
		for _, mounted := range node.Volumes {
			if mounted.Name == volume {
				require.Len(t, mounted.Projected.Sources, 1)
				assert.Equal(t, "builder", mounted.Projected.Sources[0].Secret.Name)
				assert.True(t, mounting[node.Name], node.Name)
			}
		}
	}
	var stages []string
	for name := range mounting {
		for _, container := range containers(node(t, template, name)) {
			if !isForCommands(container) {
				stages = append(stages, strings.Join(append(container.Command, container.Args...), " "))
			}
		}
	}
	slices.Sort(stages)
	assert.Equal(t, []string{"deployer pipeline", "deployer steps deployer environment tester"}, stages)
	for _, other := range render(t, github+configuration("dev")).Spec.Templates {
		for _, mounted := range other.Volumes {
			assert.NotEqual(t, volume, mounted.Name)
		}
	}
}

func TestNoServiceAccountButTheSensorsGivesItsTokenToAPod(t *testing.T) {
	for _, object := range objectsOf(t, github+configuration("dev")) {
		if object.Kind != "ServiceAccount" {
			continue
		}
		var account corev1.ServiceAccount
		require.NoError(t, yaml.UnmarshalStrict(object.YAML, &account))
		given := account.AutomountServiceAccountToken == nil
		assert.Equal(t, account.Name == "my-app-sensor", given, account.Name)
	}
}

func TestAStageTakesOnTheRoleOfItsIdentityAndEKSAddsNone(t *testing.T) {
	var template wfv1.WorkflowTemplate
	require.NoError(t, yaml.UnmarshalStrict(find(t, objectsOf(t, github+configuration("dev")), "WorkflowTemplate").YAML, &template))
	excepted := strings.Split(template.Spec.PodMetadata.Annotations["eks.amazonaws.com/skip-containers"], ",")
	assert.Subset(t, excepted, []string{"init", "wait"})
	roles := map[string]string{
		"validator": "validate", "builder": "build", "deployer-pipeline": "pipeline", "deployer-environment-tester-111111111111": "111111111111",
		"record": "record", "reconcile": "watch", "deployer-plan": "validate", "gate": "record",
	}
	for _, node := range template.Spec.Templates {
		for _, container := range containers(node) {
			assert.Contains(t, excepted, container.Name, node.Name)
			if isForCommands(container) {
				continue
			}
			role, known := roles[node.Name]
			require.True(t, known, node.Name)
			found := variables(container)
			assert.Regexp(t, "^arn:aws:iam::111111111111:role/aphex-my-app-[0-9a-f]{8}-"+role+"$", found["AWS_ROLE_ARN"], node.Name)
			assert.Equal(t, "/var/run/secrets/eks.amazonaws.com/serviceaccount/token", found["AWS_WEB_IDENTITY_TOKEN_FILE"])
		}
	}
}
