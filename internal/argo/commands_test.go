package argo_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// TestCommandsOfTheRepositoryRunInAContainerThatHasNothing is about every stage that runs
// commands: their container has no token, no variable and no folder of the stage's.
func TestCommandsOfTheRepositoryRunInAContainerThatHasNothing(t *testing.T) {
	template := render(t, github+configuration("dev"))
	withCommands := []string{}
	for _, node := range template.Spec.Templates {
		if node.Container == nil {
			continue
		}
		address, theirs := variables(*node.Container)["APHEX_COMMANDS"], commandsOf(node)
		require.Equal(t, address != "", len(theirs) > 0, node.Name)
		for _, container := range theirs {
			withCommands = append(withCommands, node.Name)
			assert.Equal(t, corev1.ContainerRestartPolicyAlways, *container.RestartPolicy)
			assert.Equal(t, "exec commands serve "+address, container.Command[2][strings.LastIndex(container.Command[2], "exec"):], node.Name)
			assert.Equal(t, map[string]string{"HOME": "/tmp", "TMPDIR": "/tmp"}, variables(container))
			checkApart(t, template.Spec, node, container)
		}
	}
	assert.Equal(t, []string{"builder", "deployer-pipeline", "deployer-environment-tester-111111111111", "deployer-plan"}, withCommands)
}

// The kubelet starts the stage's container once that for commands runs: in an image without
// the program it must, so that the stage can say what is missing.
func TestAContainerForCommandsStaysInAnImageWithoutTheProgram(t *testing.T) {
	var command []string
	for _, node := range render(t, github+configuration("dev")).Spec.Templates {
		for _, container := range commandsOf(node) {
			command = container.Command
		}
	}
	folder := t.TempDir()
	program := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\necho "+name+" \"$@\" of $$\n"), 0o755))
	}
	run := func() (out string, pid int) {
		shell, err := exec.LookPath(command[0])
		require.NoError(t, err)
		process := exec.Command(shell, command[1:]...)
		process.Env = []string{"PATH=" + folder}
		text, _ := process.CombinedOutput()
		return string(text), process.Process.Pid
	}
	program("sleep")
	out, _ := run()
	assert.Regexp(t, `commands: not found\nsleep 90 of `, out)
	program("commands")
	out, pid := run()
	assert.Equal(t, fmt.Sprintf("commands serve 127.0.0.1:7000 of %d\n", pid), out, "it takes the place of the shell, and so gets its signals")
}

// checkApart checks that a container for commands shares nothing with that of the stage.
func checkApart(t *testing.T, spec wfv1.WorkflowSpec, node wfv1.Template, commands corev1.Container) {
	t.Helper()
	for _, mount := range commands.VolumeMounts {
		assert.False(t, slices.ContainsFunc(node.Container.VolumeMounts, func(other corev1.VolumeMount) bool { return other.Name == mount.Name }), mount.Name)
		i := slices.IndexFunc(node.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		require.GreaterOrEqual(t, i, 0, mount.Name)
		assert.NotNil(t, node.Volumes[i].EmptyDir, mount.Name)
	}
	var paths []string
	for _, mount := range commands.VolumeMounts {
		paths = append(paths, mount.MountPath)
	}
	assert.Equal(t, []string{"/tmp", "/dev/shm", "/var/run/secrets/kubernetes.io/serviceaccount"}, paths)
	stage := spec.SecurityContext
	assert.NotEqual(t, *stage.RunAsUser, *commands.SecurityContext.RunAsUser)
	for _, group := range []int64{*stage.RunAsGroup, *commands.SecurityContext.RunAsGroup} {
		assert.NotEqual(t, *stage.FSGroup, group, "the group of the volumes is nobody's own")
	}
	assert.True(t, *stage.RunAsNonRoot)
	assert.Nil(t, commands.SecurityContext.RunAsNonRoot, "as the pod")
}

func TestTestsOfAnotherImageHaveAContainerForCommandsOfTheirOwn(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for image, want := range map[string][]string{
		"public.ecr.aws/aphex/tester:latest": {"public.ecr.aws/aphex/deployer:latest"}, // of one release, with the same tools
		"public.ecr.aws/aphex/tester:1.2.0":  {"public.ecr.aws/aphex/deployer:latest", "public.ecr.aws/aphex/tester:1.2.0"},
		"example.com/browsers" + digest:      {"public.ecr.aws/aphex/deployer:latest", "example.com/browsers" + digest},
	} {
		node := node(t, render(t, configuration("dev")+"testerImage: \""+image+"\"\n"), "deployer-environment-tester-111111111111")
		var images, addresses []string
		for _, container := range commandsOf(node) {
			images, addresses = append(images, container.Image), append(addresses, container.Command[2][strings.LastIndex(container.Command[2], " ")+1:])
		}
		assert.Equal(t, want, images)
		deploys, test := stepsOf(t, *node.Container)
		assert.Equal(t, addresses[0], deploys["APHEX_COMMANDS"])
		assert.Equal(t, addresses[len(addresses)-1], test["APHEX_COMMANDS"])
		assert.Equal(t, len(addresses) == 1, deploys["APHEX_COMMANDS_SECRET"] == test["APHEX_COMMANDS_SECRET"])
	}
}
