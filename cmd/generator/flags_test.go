package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

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
