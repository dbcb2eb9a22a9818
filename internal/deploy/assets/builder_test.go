package assets_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// failingBuilder is an image builder that fails as real ones do only now and then.
type failingBuilder struct {
	mu     sync.Mutex
	silent error
	pushes int // that fail
	builds []string
	logins []string
}

func (*failingBuilder) Address() string               { return "tcp://builder.test:1234" }
func (b *failingBuilder) Ready(context.Context) error { return b.silent }
func (b *failingBuilder) Build(ctx context.Context, image assets.Image) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.builds = append(b.builds, image.Push)
	for _, registry := range []string{"111111111111.dkr.ecr.eu-west-1.amazonaws.com", "registry.test"} {
		user, password, err := image.Login(ctx, registry)
		if err != nil {
			return err
		}
		b.logins = append(b.logins, registry+" "+user+password)
	}
	if image.Push != "" && b.pushes > 0 {
		b.pushes--
		return errors.New("the registry is down")
	}
	return nil
}

func TestAnImageBuilderBuildsOnceAndPushesAgainIfAPushFails(t *testing.T) {
	s := newStub(t)
	builder := &failingBuilder{pushes: 1}
	p := assets.New(assets.Options{Runner: proc.Runner{}, Env: []string{"PATH="}, ImageBuilder: builder})
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	require.NoError(t, p.Ready(t.Context(), list, s.place()))
	require.NoError(t, p.Build(t.Context(), list, s.place()))
	require.NoError(t, p.Publish(t.Context(), list, s.place()), "without docker")
	assert.Equal(t, []string{"", remote, remote}, builder.builds)
	assert.Equal(t, []string{"111111111111.dkr.ecr.eu-west-1.amazonaws.com AWSpassword", "registry.test "}, builder.logins[:2], "no other registry gets a login")

	s.images["repo:tag"] = true
	builder.builds = nil
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, ImageBuilder: builder}).Publish(t.Context(), list, s.place()))
	assert.Empty(t, builder.builds, "what is in the registry is not built")
}

func TestAnImageBuilderThatDoesNotAnswerIsReportedBeforeAnythingIsPublished(t *testing.T) {
	s := newStub(t)
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	for _, c := range []struct {
		err  error
		kind errs.Kind
		hint string
	}{
		{errs.Temporaryf("connection refused"), errs.Temporary, "network policies"},
		{errs.Invalidf("certificate signed by unknown authority").WithHint("renew them"), errs.Invalid, "renew them"},
	} {
		p := assets.New(assets.Options{Runner: proc.Runner{}, ImageBuilder: &failingBuilder{silent: c.err}})
		err := p.Ready(t.Context(), list, s.place())
		require.ErrorContains(t, err, "the image Image must be built: the image builder tcp://builder.test:1234 does not answer: "+c.err.Error())
		assert.Equal(t, c.kind, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), c.hint)
		assert.True(t, assets.CannotBuild(err))
	}
	s.images["repo:tag"] = true
	p := assets.New(assets.Options{Runner: proc.Runner{}, ImageBuilder: &failingBuilder{silent: errors.New("down")}})
	require.NoError(t, p.Ready(t.Context(), list, s.place()), "nothing must be built")
}

func TestAnImageThatACommandBuildsStaysWithDocker(t *testing.T) {
	s := newStub(t)
	builder := &failingBuilder{}
	log, env := docker(t, "[ \"$1\" != login ] || cat > /dev/null")
	list := imageList(assembly.ImageAsset{Command: []string{"echo", "local"}})
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env, ImageBuilder: builder}).Publish(t.Context(), list, s.place()))
	assert.Empty(t, builder.builds)
	assert.Contains(t, strings.Join(lines(t, log), "\n"), "push "+remote)
}

func TestAnAddressOfAnImageBuilderNeedsTLSUnlessItIsOnThisMachine(t *testing.T) {
	for address, wrong := range map[string]string{
		"":                            "",
		"unix:///run/buildkit/sock":   "",
		"tcp://127.0.0.1:1234":        "",
		"tcp://[::1]:1234":            "",
		"tcp://localhost:1234":        "",
		"tcp://builder.test:1234":     "no certificate",
		"tcp://127.0.0.1.evil.test:1": "no certificate",
		"tcp://builder.test":          "is not an address",
		"tcp://a:b@127.0.0.1:1":       "is not an address",
		"tcp://127.0.0.1:1/path":      "is not an address",
		"unix://relative/sock":        "is not an address",
		"docker-container://builder":  "is not an address",
		"ssh://host":                  "is not an address",
		"/run/buildkit/sock":          "is not an address",
	} {
		err := assets.BuilderAddress{ImageBuilder: address}.Validate()
		if wrong == "" {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, wrong, address)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
	}
	require.NoError(t, assets.BuilderAddress{ImageBuilder: "tcp://builder.test:1234", ImageBuilderTLS: "tls"}.Validate())
	require.ErrorContains(t, assets.BuilderAddress{ImageBuilderTLS: "tls"}.Validate(), "need --image-builder")
}
