package install_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// platform is a platform with helpers for tests of the verbs.
type platform struct {
	*installtest.Platform
	t       *testing.T
	cluster kube.Cluster
}

func newPlatform(t *testing.T) platform {
	t.Helper()
	p := platform{Platform: installtest.New(t), t: t}
	var err error
	p.cluster, _, err = kubeconfig.Connect(p.Kube.Kubeconfig(t), "")
	require.NoError(t, err)
	return p
}

// target is the pipeline of a configuration, with the permissions of an administrator.
func (p platform) target(text string) install.Target {
	p.t.Helper()
	cfg, err := config.Parse("aphex-config.yaml", []byte(text))
	require.NoError(p.t, err)
	require.NoError(p.t, cfg.RequireCluster())
	return install.Target{
		Config: cfg, Cluster: p.cluster,
		Place: plan.Place{
			Account: installtest.Home, Region: installtest.Region, Config: config.File,
			Bucket: cfg.Bucket(installtest.Home, installtest.Region),
		},
		AWS: func(_ context.Context, region string) (aws.Config, error) {
			return p.Admin(installtest.Home, region), nil
		},
	}
}

// bootstrap installs a pipeline and returns what was reported.
func (p platform) bootstrap(text string) (install.Installed, *journal) {
	p.t.Helper()
	var j journal
	installed, err := install.Bootstrap(p.t.Context(), p.target(text), install.BootstrapOptions{}, &j)
	require.NoError(p.t, err, j.String())
	return installed, &j
}

func (p platform) apply(text string) *journal {
	p.t.Helper()
	var j journal
	_, err := install.Apply(p.t.Context(), p.target(text), install.ApplyOptions{}, &j)
	require.NoError(p.t, err, j.String())
	return &j
}

// outputs returns the outputs of the stack of a repository's pipeline.
func (p platform) outputs(repository string) map[string]string {
	_, outputs := p.Stack(repository)
	return outputs
}

// journal keeps the reports of a verb, one line each.
type journal struct {
	lines []string
	seen  func(line string) // may be nil
}

func (j *journal) add(format string, args ...any) {
	line := strings.TrimSpace(fmt.Sprintf(format, args...))
	j.lines = append(j.lines, line)
	if j.seen != nil {
		j.seen(line)
	}
}

func (j *journal) String() string { return strings.Join(j.lines, "\n") }

var parts = map[install.Part]string{
	install.Stack: "stack", install.Secret: "secret", install.Objects: "objects", install.Webhook: "webhook", install.Address: "address", install.Bucket: "bucket",
	install.Certificates: "certificates", install.Builder: "builder",
}

func (j *journal) Checked(c kube.Check) {
	switch {
	case c.Failed():
		j.add("failed: %s: %s (%s)", c.What, c.Problem, c.Fix)
	case c.Problem != "":
		j.add("warning: %s: %s (%s)", c.What, c.Problem, c.Fix)
	default:
		j.add("ok: %s", c.What)
	}
}

func (j *journal) Started(part install.Part, subject string) { j.add("%s… %s", parts[part], subject) }

func (j *journal) Resource(status, id, reason string) { j.add("%s %s %s", status, id, reason) }

func (j *journal) Changed(part install.Part, c manifest.Change) {
	j.add("%s: %s %s", parts[part], c.Object, c.Action)
}
func (j *journal) Ready()           { j.add("ready") }
func (j *journal) Note(text string) { j.add("note: %s", text) }

// starts returns the parts of the work in their order.
func (j *journal) starts() (order []string) {
	for _, line := range j.lines {
		if part, _, started := strings.Cut(line, "…"); started && !strings.Contains(part, ":") {
			order = append(order, part)
		}
	}
	return order
}
