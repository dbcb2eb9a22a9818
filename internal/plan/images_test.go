package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

var sum = "sha256:" + strings.Repeat("0", 64)

func TestAnImageIsNamedByItsDigestWhereItIsKnown(t *testing.T) {
	for text, want := range map[string][2]string{
		"public.ecr.aws/aphex:1.4.0":                         {"public.ecr.aws/aphex/builder:1.4.0", "public.ecr.aws/aphex/tester:1.4.0"},
		"public.ecr.aws/aphex:1.4.0   builder@" + sum + "\n": {"public.ecr.aws/aphex/builder:1.4.0@" + sum, "public.ecr.aws/aphex/tester:1.4.0"},
		"public.ecr.aws/aphex builder@" + sum:                {"public.ecr.aws/aphex/builder@" + sum, "public.ecr.aws/aphex/tester"},
		"localhost:5000":                                     {"localhost:5000/builder", "localhost:5000/tester"},
		"registry.example.test:5000":                         {"registry.example.test:5000/builder", "registry.example.test:5000/tester"},
		"localhost:5000/aphex:dev":                           {"localhost:5000/aphex/builder:dev", "localhost:5000/aphex/tester:dev"},
		"aphex:e2e":                                          {"aphex/builder:e2e", "aphex/tester:e2e"},
		"":                                                   {"", ""},
	} {
		images, err := plan.ParseImages(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, [2]string{images.Of("builder"), images.Of("tester")}, text)
		assert.Equal(t, strings.Contains(want[0], "@"), images.Pinned("builder"), text)
		again, err := plan.ParseImages(string(images))
		require.NoError(t, err)
		assert.Equal(t, images, again)
	}
}

func TestATextThatNamesNoImagesIsRefused(t *testing.T) {
	for _, text := range []string{
		"public.ecr.aws/aphex:1.4.0 builder", "public.ecr.aws/aphex:1.4.0 other@" + sum, "public.ecr.aws/aphex:1.4.0 builder@sha256:12",
		"https://public.ecr.aws/aphex", "-aphex:1", "aphex:", "aphex:$(TAG)", "{{workflow.name}}", "builder@" + sum, "a/b:1 " + sum,
		"public.ecr.aws/aphex/builder:1.5.0", "localhost:5000/validator", "1.5.0", "v2", "1.5.0:latest",
	} {
		_, err := plan.ParseImages(text)
		require.Error(t, err, text)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotEmpty(t, errs.HintOf(err))
	}
	_, err := plan.ParseImages("public.ecr.aws/aphex/builder:1.5.0")
	assert.Equal(t, "name the place of all images: public.ecr.aws/aphex:1.5.0", errs.HintOf(err))
	_, err = plan.ParseImages("1.5.0")
	assert.Equal(t, "write REGISTRY:TAG, such as public.ecr.aws/aphex:1.5.0", errs.HintOf(err))
}

func TestAPipelineIsInstalledWithTheImagesBesideItsConfiguredValidator(t *testing.T) {
	for image, want := range map[string]plan.Images{
		"":                                      "",
		"public.ecr.aws/aphex/validator:latest": "", // the default
		"mirror.example.test/validator:1.4.0":   "mirror.example.test:1.4.0",
		"mirror.example.test/a/validator:1@" + sum: plan.Images("mirror.example.test/a:1 validator@" + sum),
		"mirror.example.test/validator@" + sum:     plan.Images("mirror.example.test validator@" + sum),
	} {
		cfg := configured(t, image)
		images, err := plan.ImagesBeside(cfg)
		require.NoError(t, err, image)
		assert.Equal(t, want, images, image)
		assert.NoError(t, images.Check(cfg), image)
	}
	_, err := plan.ImagesBeside(configured(t, "mirror.example.test/my-validator:1"))
	require.ErrorContains(t, err, "does not name the images of the other stages")
}

// A commit names another image for a stage that holds rights.
func TestACommitThatNamesAnotherValidatorThanTheInstalledOneIsRefused(t *testing.T) {
	installed := plan.Images("mirror.example.test/aphex:1.4.0 validator@" + sum)
	for image, refused := range map[string]bool{
		"": false, "mirror.example.test/aphex/validator:1.4.0": false, "mirror.example.test/aphex/validator:1.4.0@" + sum: false,
		"mirror.example.test/aphex/validator@" + sum: false,
		"mirror.example.test/aphex/validator:1.3.0":  true, "evil.example.test/aphex/validator:1.4.0": true,
		"mirror.example.test/aphex/validator:1.4.0@sha256:" + strings.Repeat("1", 64): true, "mirror.example.test/aphex/validator": true,
	} {
		err := installed.Check(configured(t, image))
		assert.Equal(t, refused, err != nil, "%s: %v", image, err)
		require.NoError(t, plan.Images("").Check(configured(t, image)), "without installed images the configuration decides")
	}
}

func configured(t *testing.T, validator string) *config.Config {
	t.Helper()
	text := "version: \"1.0\"\nenvironments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api}]}\n"
	if validator != "" {
		text += "validatorImage: " + validator + "\n"
	}
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	return cfg
}
