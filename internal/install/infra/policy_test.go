package infra_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install/infra"
)

func TestEachStatementThatABucketPolicyLacksIsNamedAndRestored(t *testing.T) {
	t.Parallel()
	p := configured(t, "shop", devOnly)
	whole, missing, err := infra.RestorePolicy(p.cfg, p.place, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"TLSOnly", "WrittenOnce", "UpdatedAsRead"}, missing)
	change := func(old, changed string) []byte {
		require.Contains(t, string(whole), old)
		return []byte(strings.Replace(string(whole), old, changed, 1))
	}
	foreign := `{"Sid":"Team","Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"*"}`
	for name, c := range map[string]struct {
		policy []byte
		lacks  []string
	}{
		"as it is":                 {whole, nil},
		"with another statement":   {change(`"Statement":[`, `"Statement":[`+foreign+`,`), nil},
		"with other ids":           {change(`"WrittenOnce"`, `"Once"`), nil},
		"with a list of one":       {change(`"Action":"s3:*"`, `"Action":["s3:*"]`), nil},
		"with a text for a number": {change(`"aws:SecureTransport":"false"`, `"aws:SecureTransport":false`), nil},
		"that allows":              {change(`"Effect":"Deny"`, `"Effect":"Allow"`), []string{"TLSOnly"}},
		"for one caller":           {change(`"Principal":"*"`, `"Principal":{"AWS":"arn:aws:iam::111111111111:user/one"}`), []string{"TLSOnly"}},
		"with other keys":          {change("/metadata/", "/other/"), []string{"WrittenOnce"}},
		"with another condition":   {change(`"s3:if-match"`, `"s3:x-amz-acl"`), []string{"UpdatedAsRead"}},
		"with one foreign":         {[]byte(`{"Version":"2012-10-17","Statement":` + foreign + `}`), missing},
	} {
		restored, lacks, err := infra.RestorePolicy(p.cfg, p.place, c.policy)
		require.NoError(t, err, name)
		assert.Equal(t, c.lacks, lacks, name)
		_, lacks, err = infra.RestorePolicy(p.cfg, p.place, restored)
		require.NoError(t, err, name)
		assert.Empty(t, lacks, name)
		assert.Equal(t, strings.Count(string(c.policy), "Team"), strings.Count(string(restored), "Team"), name)
		assert.Equal(t, 1, strings.Count(string(restored), "UpdatedAsRead"), name)
	}
	_, _, err = infra.RestorePolicy(p.cfg, p.place, []byte("no policy"))
	require.ErrorContains(t, err, "reading the policy of bucket")
}

func TestAPermissionThatIsChangedOrTakenAwayIsNarrowed(t *testing.T) {
	t.Parallel()
	template := func(extra string) []byte {
		p := configured(t, "shop", devOnly+extra)
		text, err := infra.Template(p.cfg, p.place)
		require.NoError(t, err)
		return text
	}
	plain, role := template(""), template("build: {roleArn: \"arn:aws:iam::111111111111:role/b\"}\n")
	for name, c := range map[string]struct {
		rendered, installed []byte
		want                []string
	}{
		"the same":               {plain, plain, nil},
		"a setting":              {template("artifactRetentionDays: 7\n"), plain, nil},
		"a permission more":      {role, plain, nil},
		"a permission less":      {plain, role, []string{"BuildCommands"}},
		"a policy of the bucket": {plain, []byte(strings.Replace(string(plain), "TLSOnly", "TLS", 1)), []string{"ArtifactBucketPolicy"}},
	} {
		got, err := infra.Narrowed(c.rendered, c.installed)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
	}
	_, err := infra.Narrowed(plain, []byte("- yaml"))
	require.ErrorContains(t, err, "the template of the pipeline's stack is not the pipeline's")
}
