package pipelinerun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/stages"
)

// inherited are the variables that a step gets from this machine: paths of programs and
// caches, and the network. Steps get no other variables of the user, as pods would not.
var inherited = []string{
	"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "NO_COLOR", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"NODE_EXTRA_CA_CERTS", "CDK_DOCKER", "CDK_DOCKER_CREDS_FILE", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
	"XDG_RUNTIME_DIR", clients.TokenVariable,
}

// environment returns the variables that a pod would get from its node, its service account
// and its cluster.
func (l *localRun) environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(inherited, name) || strings.HasPrefix(name, clients.SecretVariable("")) || strings.HasPrefix(strings.ToLower(name), "npm_config_") {
			env = append(env, entry)
		}
	}
	for _, name := range l.cfg.SecretNames() {
		if value, set := os.LookupEnv(name); set {
			env = append(env, clients.SecretVariable(name)+"="+value)
		}
	}
	env = append(env, l.cloud.Env()...)
	if l.Lookups || l.cloud.Simulated() { // the context of a simulated account cannot be committed
		env = append(env, stages.Variable("lookups")+"=true")
	}
	if left := l.excluded(); len(left) > 0 { // for the record of the run
		env = append(env, stages.Variable("left-out")+"="+strings.Join(left, ","))
	}
	if !l.At.IsZero() {
		env = append(env, stages.Variable("clock-offset")+"="+l.At.Sub(l.began).String())
	}
	for name, value := range map[string]string{
		"signing-key-file": l.SigningKey, "provenance-key-file": l.publicKey(),
		"image-builder": l.ImageBuilder, "image-builder-tls": l.ImageBuilderTLS, "image-builder-server-name": l.ImageBuilderServerName,
	} {
		if value != "" {
			env = append(env, stages.Variable(name)+"="+value)
		}
	}
	return append(env, stages.Variable("silent")+"=true", stages.Variable("allow-local")+"=true", stages.Variable("objects")+"="+l.state.Objects())
}

// publicKey returns the file of the public key of --signing-key, in the state folder.
func (l *localRun) publicKey() string {
	if l.SigningKey == "" {
		return ""
	}
	return filepath.Join(l.state.Dir, "signing.pub")
}

// keepPublicKey writes that file.
func (l *localRun) keepPublicKey() error {
	if l.SigningKey == "" {
		return nil
	}
	public, err := attest.PublicOf(l.SigningKey)
	if err != nil {
		return err
	}
	return errs.Writing(l.publicKey(), os.WriteFile(l.publicKey(), public, 0o644))
}

// decide asks for the approval that a run requires of the environment whose gates a task waits for, and
// stores it as nobody attests it.
func (l *localRun) decide(ctx context.Context, run, task string, waiting func()) error {
	environment := plan.WaitedFor(task)
	if environment == "" {
		return nil
	}
	artifacts, err := l.cloud.Bucket(ctx, plan.PlaceOf(l.cfg, l.Account, l.Region, l.Config))
	if err != nil {
		return err
	}
	people := gate.Store{Bucket: artifacts}
	if waits, err := people.WaitsForPerson(ctx, run, environment); err != nil || !waits {
		return err
	}
	waiting()
	if err := l.approve(ctx, task); err != nil {
		return err
	}
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("reading the name of this user: %w", err)
	}
	return people.Decide(ctx, gate.Decision{Run: run, Environment: environment, By: me.Username, At: time.Now().UTC().Truncate(time.Second)})
}

// approve asks on the terminal whether to continue with a step.
func (l *localRun) approve(ctx context.Context, step string) error {
	if l.Yes {
		return nil
	}
	terminal := screen.Terminal(l.In)
	if terminal == nil {
		return errs.Invalidf("cannot prompt for an approval: stdin is not a terminal; use --yes")
	}
	return l.console.ask(func() error {
		l.console.printf("%s [y/N] ", l.console.style(screen.Bold, step+"?"))
		agreed, err := screen.Agreed(ctx, terminal)
		switch {
		case err != nil:
			l.console.printf("\n") // after the question and the echo of Ctrl-C
			return errs.Stopped(err, "")
		case !agreed:
			return errors.New("not approved")
		}
		return nil
	})
}
