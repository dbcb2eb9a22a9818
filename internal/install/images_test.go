package install_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

var sum = "sha256:" + strings.Repeat("0", 64)

// applied applies a configuration with chosen images, and returns the images of the
// template in the cluster that the Sensor names.
func (p platform) applied(text string, images install.Images) (string, *journal, error) {
	p.t.Helper()
	target := p.target(text)
	target.Images = images
	var j journal
	_, err := install.Apply(p.t.Context(), target, install.ApplyOptions{}, &j)
	if err != nil {
		return "", &j, err
	}
	found, err := p.cluster.Installed(p.t.Context(), plan.NamesOf(target.Config, target.Place).Pipeline, "argo", "argo-events")
	require.NoError(p.t, err)
	return found.Variables["APHEX_IMAGES"], &j, nil
}

func known(context.Context, string) (string, error) { return sum, nil }

func everyDigest(from string) string {
	return from + " builder@" + sum + " deployer@" + sum + " tester@" + sum + " validator@" + sum
}

func TestAPipelineKeepsTheImagesThatItWasInstalledWith(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	for _, step := range []struct {
		say, more string
		images    install.Images
		want      string
	}{
		{"a new pipeline has those of this program", "", install.Images{Digest: known}, everyDigest("public.ecr.aws/aphex:latest")},
		{"a later apply asks nobody", installtest.ProdEnvironment, install.Images{Digest: func(context.Context, string) (string, error) {
			return "", errors.New("the registry was asked")
		}}, everyDigest("public.ecr.aws/aphex:latest")},
		{"a person names others", "", install.Images{From: "mirror.example.test/aphex:1.5.0", Digest: known}, everyDigest("mirror.example.test/aphex:1.5.0")},
		{"and they stay", installtest.ProdEnvironment, install.Images{}, everyDigest("mirror.example.test/aphex:1.5.0")},
	} {
		got, j, err := p.applied(text+step.more, step.images)
		require.NoError(t, err, step.say)
		assert.Equal(t, step.want, got, step.say)
		assert.NotContains(t, j.String(), "warning", step.say)
	}
}

func TestAConfiguredValidatorNamesTheImagesOfANewPipelineOnly(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := "validatorImage: mirror.example.test/aphex/validator:1.4.0\n" + installtest.Named("shop")
	got, _, err := p.applied(text, install.Images{})
	require.NoError(t, err)
	assert.Equal(t, "mirror.example.test/aphex:1.4.0", got)

	changed := strings.Replace(text, "mirror", "evil", 1)
	_, _, err = p.applied(changed, install.Images{})
	require.ErrorContains(t, err, `validatorImage is "evil.example.test/aphex/validator:1.4.0", but the pipeline was installed with the image "mirror.example.test/aphex/validator:1.4.0"`)
	got, _, err = p.applied(changed, install.Images{From: "evil.example.test/aphex:1.4.0"})
	require.NoError(t, err, "the person said so")
	assert.Equal(t, "evil.example.test/aphex:1.4.0", got)
}

func TestImagesWhoseRegistryDoesNotAnswerKeepTheirTagsWithAWarning(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got, j, err := p.applied(installtest.Named("shop"), install.Images{From: "mirror.example.test/aphex:1.5.0", Digest: func(_ context.Context, image string) (string, error) {
		if strings.Contains(image, "tester") {
			return "", errors.New("no route to mirror.example.test")
		}
		return sum, nil
	}})
	require.NoError(t, err)
	assert.Equal(t, "mirror.example.test/aphex:1.5.0 builder@"+sum+" deployer@"+sum+" validator@"+sum, got)
	assert.Contains(t, j.String(), "warning: images of the pipeline's own stages: mirror.example.test/aphex:1.5.0: tester not named by digest")
	assert.Contains(t, j.String(), "no route to mirror.example.test")
	assert.Contains(t, j.String(), "run this with --images mirror.example.test/aphex:1.5.0 where the registry can be reached", "without --images, the pipeline keeps its tags")
}
