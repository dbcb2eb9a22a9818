package cloudformation_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

func TestTheTimeOfEachFinishedOperationIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{ResourceTime: func(string, string) time.Duration { return time.Minute }})
		defer c.engine.Close()
		began := time.Now()
		c.create("pair", pair)
		c.create("shop", shop)
		c.update("pair", pair, versioned("2"))
		require.NotEmpty(t, c.engine.Spans())
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("shop"), TemplateBody: aws.String(pair)})
		require.NoError(t, err)

		spans := c.engine.Spans()
		require.Len(t, spans, 3, "what still runs is left out")
		for i, want := range []struct{ stack, status string }{
			{"pair", "CREATE_COMPLETE"}, {"shop", "CREATE_COMPLETE"}, {"pair", "UPDATE_COMPLETE"},
		} {
			assert.Equal(t, want.stack, spans[i].Stack)
			assert.Equal(t, want.status, spans[i].Status)
			assert.InDelta(t, 2*time.Minute, spans[i].End.Sub(spans[i].Begin), float64(time.Second), "two resources one after the other")
		}
		assert.WithinDuration(t, began, spans[0].Begin, time.Second)
	})
}
