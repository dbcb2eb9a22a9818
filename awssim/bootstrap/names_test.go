package bootstrap

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestACallThatNamesABootstrapResourceIsRecognised(t *testing.T) {
	here := Environment{Account: "111111111111", Region: "eu-west-1", Qualifier: DefaultQualifier}
	there := Environment{Account: "222222222222", Region: "us-gov-west-1", Qualifier: "my-own_q"}
	cases := map[string]struct {
		text string
		want Environment
	}{
		"a role":                           {"arn:aws:iam::222222222222:role/cdk-my-own_q-deploy-role-222222222222-us-gov-west-1", there},
		"the bucket in a path":             {"/cdk-my-own_q-assets-222222222222-us-gov-west-1/some/key.zip", there},
		"the bucket in a virtual host":     {"https://cdk-my-own_q-assets-222222222222-us-gov-west-1.s3.us-gov-west-1.amazonaws.com/k", there},
		"the repository in a JSON body":    {`{"repositoryNames":["cdk-my-own_q-container-assets-222222222222-us-gov-west-1"]}`, there},
		"the version, of the call's place": {`{"Name":"/cdk-bootstrap/my-own_q/version"}`, Environment{"111111111111", "eu-west-1", "my-own_q"}},
		"the CLI's stack":                  {"CDKToolkit", here},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found, ok := Named(c.text, here)
			assert.True(t, ok)
			assert.Equal(t, c.want, found)
		})
	}
	for _, other := range []string{
		"", "my-cdk-app", "CDKToolkit2", "/cdk-bootstrap/", "cdk-hnb659fds-assets-1111-eu-west-1", "cdk-waytoolongqualifier-assets-111111111111-eu-west-1",
		"cdk-hnb659fds-assets-111111111111-nowhere", strings.Repeat("x", 1<<20),
	} {
		_, ok := Named(other, here)
		assert.False(t, ok, "%.80s", other)
	}
}
