package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestImagesAreCheckedBeforeAnythingElse(t *testing.T) {
	for images, hint := range map[string]string{
		"public.ecr.aws/aphex/builder:1.5.0": "name the place of all images: public.ecr.aws/aphex:1.5.0",
		"1.5.0":                              "write REGISTRY:TAG, such as public.ecr.aws/aphex:1.5.0",
		"r.example/aphex:1 builder@sha256:1": "write REGISTRY[:TAG], such as public.ecr.aws/aphex:1.4.0, with digests as builder@sha256:<hex>",
	} {
		for _, verb := range []string{"apply", "bootstrap", "diff"} {
			_, _, err := calls(t, verb, "-c", "/nowhere.yaml", "--images", images)
			require.Error(t, err)
			assert.Equal(t, errs.Invalid, errs.KindOf(err), "%s %s", verb, images)
			assert.Equal(t, hint, errs.HintOf(err), "%s: %v", verb, err)
		}
	}
}

func TestAccountAndRegionAreCheckedBeforeAnythingElse(t *testing.T) {
	valid := "version: \"1.0\"\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api}]}]\n"
	configuration := file(t, valid)
	for _, verb := range [][]string{
		{"run", "--source", t.TempDir()},
		{"render", "-c", configuration},
		{"simulate", "-c", configuration, "--state", t.TempDir()},
	} {
		_, _, err := calls(t, append(verb, "--account", "abc")...)
		assert.ErrorContains(t, err, `--account is "abc": expected an AWS account`, verb)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), verb)
		_, _, err = calls(t, append(verb, "--region", "eu-wset-1")...)
		assert.ErrorContains(t, err, `--region is "eu-wset-1": expected an AWS region`, verb)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), verb)
		assert.Equal(t, "did you mean eu-west-1?", errs.HintOf(err), verb)
	}
}
