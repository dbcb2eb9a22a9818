package cfn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

func TestTheLastOperationIsDiagnosedOrTheOneOfASpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		diagnose := func(in cfn.Span) cfn.Diagnosis {
			t.Helper()
			found, err := cfn.Diagnose(t.Context(), f, goal, in)
			require.NoError(t, err)
			return found
		}
		assert.Equal(t, cfn.Diagnosis{}, diagnose(cfn.Span{}), "there is no stack")

		f.deployed("CREATE_IN_PROGRESS", `{"Resources":{"Orders":{"Metadata":{"aws:cdk:path":"Shop/Orders/Resource"}}}}`)
		time.Sleep(time.Second)
		f.status("CREATE_COMPLETE", "")
		time.Sleep(time.Minute)
		from := time.Now()
		f.status("UPDATE_IN_PROGRESS", "User Initiated")
		time.Sleep(time.Second)
		f.event(arn, "Orders", "AWS::SQS::Queue", "UPDATE_FAILED", "no such key")
		found := diagnose(cfn.Span{})
		assert.True(t, found.Running())
		require.ErrorContains(t, found.Err, "Orders (AWS::SQS::Queue, Shop/Orders/Resource): no such key", "it has failed already")
		f.status("UPDATE_ROLLBACK_IN_PROGRESS", "")
		time.Sleep(time.Second)
		f.status("UPDATE_ROLLBACK_COMPLETE", "")
		to := time.Now()

		found = diagnose(cfn.Span{})
		assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", found.Ended)
		assert.Equal(t, from, found.Began)
		assert.Equal(t, &cfn.Finding{LogicalID: "Orders", Type: "AWS::SQS::Queue", Path: "Shop/Orders/Resource", Reason: "no such key"}, found.Cause)

		time.Sleep(time.Minute)
		f.status("UPDATE_IN_PROGRESS", "User Initiated")
		f.status("UPDATE_COMPLETE", "")
		found = diagnose(cfn.Span{})
		assert.NoError(t, found.Err)
		assert.Equal(t, "UPDATE_COMPLETE", found.Ended)
		assert.Error(t, diagnose(cfn.Span{From: from, To: to}).Err)
		assert.True(t, diagnose(cfn.Span{From: to.Add(time.Hour), To: to.Add(2 * time.Hour)}).Began.IsZero(), "nothing happened then")
		assert.Empty(t, f.mutations())
	})
}

func TestARefusedChangeSetIsDiagnosedIfItIsNewerThanTheLastOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := refusing()
		f.deployed("CREATE_IN_PROGRESS", "{}")
		f.status("CREATE_COMPLETE", "")
		time.Sleep(time.Minute)
		_, err := f.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{ChangeSetName: aws.String("theirs"), ClientToken: aws.String("1")})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		found, err := cfn.Diagnose(t.Context(), f, goal, cfn.Span{})
		require.NoError(t, err)
		require.ErrorContains(t, found.Err, "was refused before anything changed")

		f.status("UPDATE_IN_PROGRESS", "")
		f.status("UPDATE_COMPLETE", "")
		found, err = cfn.Diagnose(t.Context(), f, goal, cfn.Span{})
		require.NoError(t, err)
		assert.NoError(t, found.Err)
		assert.Empty(t, f.mutations()[len("CreateChangeSet"):])
	})
}
