package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Namespaces of the cluster. Those of a pipeline admit only pods of the
// level "restricted".
const (
	System = "argo-system" // the controllers
	Runs   = "argo"
	Events = "argo-events"
)

const namespaces = `
{apiVersion: v1, kind: Namespace, metadata: {name: ` + System + `}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ` + Runs + `, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ` + Events + `, labels: {pod-security.kubernetes.io/enforce: restricted}}}
`

// versionOf returns the version in the name of a program's folder.
func versionOf(folder string) string {
	name := filepath.Base(folder)
	return name[strings.LastIndex(name, "-v")+1:]
}

// ArgoImages writes the archives of the images that the controllers and their
// pods run, and returns their paths.
func ArgoImages(dir, pause string, programs Programs) ([]string, error) {
	workflows, events := versionOf(programs.Workflows), versionOf(programs.Events)
	images := []Image{
		{Name: pauseImage, Files: []string{pause}, Entrypoint: []string{"/usr/local/bin/pause"}},
		{Name: "quay.io/argoproj/workflow-controller:" + workflows, Files: []string{filepath.Join(programs.Workflows, "workflow-controller")}},
		{Name: "quay.io/argoproj/argoexec:" + workflows, Files: []string{filepath.Join(programs.Workflows, "argoexec")}, Entrypoint: []string{"argoexec"}},
		{Name: "quay.io/argoproj/argo-events:" + events, Files: []string{filepath.Join(programs.Events, "argo-events")}, Entrypoint: []string{"argo-events"}},
	}
	var archives []string
	for _, image := range images {
		file := filepath.Join(dir, filepath.Base(image.Files[0])+".tar")
		if err := image.Archive(file); err != nil {
			return nil, err
		}
		archives = append(archives, file)
	}
	return archives, nil
}

// InstallArgo applies the installation manifests of the projects, with local
// images.
func (n *Node) InstallArgo(ctx context.Context) error {
	if err := n.natsServer(ctx); err != nil {
		return err
	}
	if _, err := n.Kubectl(ctx, namespaces, "apply", "-f", "-"); err != nil {
		return err
	}
	if err := n.install(ctx, "workflows", n.programs.Workflows, workflowsKustomization(versionOf(n.programs.Workflows))); err != nil {
		return err
	}
	if err := n.install(ctx, "events", n.programs.Events, eventsKustomization(versionOf(n.programs.Events))); err != nil {
		return err
	}
	for _, deployment := range []string{"workflow-controller", "controller-manager"} {
		if err := n.rolledOut(ctx, deployment); err != nil {
			return err
		}
	}
	if _, err := n.Kubectl(ctx, eventBus, "apply", "-f", "-"); err != nil {
		return err
	}
	return n.until(ctx, "the EventBus", starting, func(ctx context.Context) bool {
		ready, err := n.Kubectl(ctx, "", "get", "eventbus", "default", "-n", Events, "-o", `jsonpath={.status.conditions[?(@.type=="Deployed")].status}`)
		return err == nil && ready == "True"
	})
}

func (n *Node) rolledOut(ctx context.Context, deployment string) error {
	return n.until(ctx, "deployment "+deployment, starting, func(ctx context.Context) bool {
		ready, err := n.Kubectl(ctx, "", "get", "deployment", deployment, "-n", System, "-o", "jsonpath={.status.readyReplicas}")
		return err == nil && ready == "1"
	})
}

func (n *Node) install(ctx context.Context, name, program, kustomization string) error {
	folder := n.path("install-" + name)
	if err := os.CopyFS(filepath.Join(folder, "manifests"), os.DirFS(filepath.Join(program, "manifests"))); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(kustomization), 0o644); err != nil {
		return err
	}
	_, err := n.Kubectl(ctx, "", "apply", "--server-side", "--kustomize", folder)
	return err
}

// workflowsKustomization installs the controller with the CRDs that its release has: of version 4 the
// full ones, which refuse what they do not know.
func workflowsKustomization(version string) string {
	crds := "full"
	if strings.HasPrefix(version, "v3.") {
		crds = "minimal"
	}
	return fmt.Sprintf(`namespace: %[1]s
resources:
  - manifests/base/crds/%[3]s
  - manifests/base/workflow-controller
  - manifests/cluster-install-no-crds/workflow-controller-rbac
images: [{name: quay.io/argoproj/workflow-controller, newTag: %[2]s}]
patches:
  - target: {kind: Deployment, name: workflow-controller}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/args, value: [--executor-image=quay.io/argoproj/argoexec:%[2]s, --executor-image-pull-policy=Never]}
      - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: DEFAULT_REQUEUE_TIME, value: 100ms}}
`, System, version, crds)
}

// Restrict sets the template referencing restriction of the workflow controller: "",
// Strict or Secure.
func (n *Node) Restrict(ctx context.Context, referencing string) error {
	data := "{}"
	if referencing != "" {
		data = fmt.Sprintf(`{"workflowRestrictions": "templateReferencing: %s\n"}`, referencing)
	}
	for _, args := range [][]string{
		{"patch", "configmap", "workflow-controller-configmap", "--type=json", "--patch", `[{"op": "add", "path": "/data", "value": ` + data + `}]`},
		{"rollout", "restart", "deployment/workflow-controller"},
		{"rollout", "status", "deployment/workflow-controller", "--timeout=180s"},
	} {
		if _, err := n.Kubectl(ctx, "", append(args, "--namespace="+System)...); err != nil {
			return err
		}
	}
	return nil
}

// Argo runs Argo's command line with the permissions of an administrator.
func (n *Node) Argo(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(n.programs.Workflows, "argo"), append(args, "--namespace="+Runs)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.Kubeconfig())
	output, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("argo %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return string(output), err
}

func eventsKustomization(version string) string {
	return fmt.Sprintf(`namespace: %[1]s
resources:
  - manifests/base
  - manifests/cluster-install/rbac
images: [{name: quay.io/argoproj/argo-events, newTag: %[2]s}]
patches:
  - target: {kind: Deployment, name: controller-manager}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: IMAGE_PULL_POLICY, value: Never}}
  - target: {kind: ClusterRoleBinding, name: argo-events-binding}
    patch: |-
      - {op: replace, path: /subjects/0/namespace, value: %[1]s}
`, System, version)
}

// busPort is the port of NATS for the pods of Argo Events.
const busPort = "4222"

const eventBus = `
apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: {name: default, namespace: ` + Events + `}
spec:
  jetstreamExotic:
    url: nats://` + Address + ":" + busPort + `
    streamConfig: |
      maxMsgs: 50000
      maxAge: 168h
      maxBytes: -1
      replicas: 1
      duplicates: 300s
`

// natsServer starts the event bus outside the cluster, as an external bus.
func (n *Node) natsServer(ctx context.Context) error {
	text := fmt.Sprintf("listen: \"%s:%s\"\nhttp: \"127.0.0.1:8222\"\nmax_payload: 37748736\njetstream { store_dir: %q }\ntls { cert_file: %q, key_file: %q }\n",
		Address, busPort, n.path("nats"), n.path("server.crt"), n.path("server.key"))
	if err := os.WriteFile(n.path("nats.conf"), []byte(text), 0o600); err != nil {
		return err
	}
	if err := n.run("nats", "nats-server", "--config", n.path("nats.conf")); err != nil {
		return err
	}
	return n.until(ctx, "NATS", time.Minute, answers("http://127.0.0.1:8222/varz"))
}
