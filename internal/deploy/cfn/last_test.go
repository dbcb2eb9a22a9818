package cfn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

const (
	plainTemplate         = `{"Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`
	templateWithParameter = `{"Parameters":{"P":{"Type":"Number","Default":5}},"Resources":{"Orders":{"Type":"AWS::SQS::Queue","Properties":{"DelaySeconds":{"Ref":"P"}}}}}`
)

func TestTheLastOfAListIsRemovedFromAStackAndNotFoundAgain(t *testing.T) {
	cases := map[string]struct {
		with, without func(*cfn.Goal)
		left          func(types.Stack) int
	}{
		"tags": {
			func(g *cfn.Goal) { g.Tags = map[string]string{"a": "b"} }, func(g *cfn.Goal) { g.Tags = map[string]string{} },
			func(s types.Stack) int { return len(s.Tags) },
		},
		"tags that nobody names": {
			func(g *cfn.Goal) { g.Tags = map[string]string{"a": "b"} }, func(g *cfn.Goal) { g.Tags = nil },
			func(s types.Stack) int { return len(s.Tags) },
		},
		"notification ARNs": {
			func(g *cfn.Goal) { g.NotificationARNs = []string{"arn:aws:sns:eu-west-1:111111111111:news"} }, func(g *cfn.Goal) { g.NotificationARNs = []string{} },
			func(s types.Stack) int { return len(s.NotificationARNs) },
		},
		"parameters": {
			func(g *cfn.Goal) {
				g.Template, g.Parameters = []byte(templateWithParameter), map[string]string{"P": "7"}
			},
			func(g *cfn.Goal) { g.Template = []byte(plainTemplate) },
			func(s types.Stack) int { return len(s.Parameters) },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, cfg := simulated(t, time.Second)
				api := cfn.NewClient(cfg)
				first, second := cfn.Goal{Name: "Shop", Template: []byte(plainTemplate)}, cfn.Goal{Name: "Shop", Template: []byte(plainTemplate)}
				c.with(&first)
				c.without(&second)
				for _, step := range []struct {
					goal   cfn.Goal
					action cfn.Action
					left   int
				}{{first, cfn.Created, 1}, {first, cfn.Unchanged, 1}, {second, cfn.Updated, 0}, {second, cfn.Unchanged, 0}} {
					result, err := cfn.Deploy(t.Context(), api, step.goal, cfn.Options{})
					require.NoError(t, err)
					assert.Equal(t, step.action, result.Action, result.Reason)
					found, err := cfn.Find(t.Context(), api, "Shop")
					require.NoError(t, err)
					assert.Equal(t, step.left, c.left(*found))
				}
			})
		})
	}
}

func TestAChangeOfTerminationProtectionAloneIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cfg := simulated(t, time.Second)
		api := cfn.NewClient(cfg)
		g := cfn.Goal{Name: "Shop", Template: []byte(plainTemplate)}
		printed := ""
		deployed := func() cfn.Result {
			result, err := cfn.Deploy(t.Context(), api, g, cfn.Options{Notify: func(e cfn.Event) {
				if e.Phase == cfn.Finished {
					printed = e.Text
				}
			}})
			require.NoError(t, err)
			return result
		}
		deployed()
		assert.Equal(t, "created", printed)
		for _, protected := range []bool{true, false} {
			g.TerminationProtection = protected
			words := "termination protection turned " + map[bool]string{true: "on", false: "off"}[protected]
			result := deployed()
			assert.Equal(t, cfn.Updated, result.Action)
			assert.Equal(t, words, result.Touched())
			assert.Equal(t, "updated: "+words, printed)
			assert.Equal(t, cfn.Unchanged, deployed().Action)
			assert.Equal(t, "unchanged", printed)
		}
	})
}
