package cloud

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

func TestAConfiguredBucketFollowsThePipelineToAnotherAccountOrRegion(t *testing.T) {
	const bucket = "a-configured-name"
	var notes []string
	state := t.TempDir()
	simulated := func(place plan.Place) Cloud {
		c, err := Simulate(Simulation{Dir: filepath.Join(state, "aws"), Accounts: []string{place.Account}, Region: place.Region, Notef: func(format string, args ...any) {
			notes = append(notes, fmt.Sprintf(format, args...))
		}})
		require.NoError(t, err)
		return c
	}
	former := plan.Place{}
	for i, place := range []plan.Place{
		{Account: "111111111111", Region: "eu-west-1", Bucket: bucket},
		{Account: "222222222222", Region: "eu-west-1", Bucket: bucket},
		{Account: "222222222222", Region: "us-east-1", Bucket: bucket},
		{Account: "222222222222", Region: "eu-central-1", Bucket: bucket},
	} {
		c := simulated(place)
		client := s3.NewFromConfig(c.as(place.Account, place.Region))
		key, name := "some/key", bucket
		for range 2 { // a run that was interrupted before it stored the place
			require.NoError(t, c.MakeBucket(t.Context(), place, former), place)
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader("x")})
			require.NoError(t, err, place)
		}
		former = place
		require.NoError(t, c.MakeBucket(t.Context(), place, former))
		data, err := c.Read(t.Context(), place, key)
		require.NoError(t, err, "objects stay if the place is the same")
		assert.Equal(t, "x", string(data))
		assert.FileExists(t, c.Object(place, key))
		assert.Equal(t, i, strings.Count(strings.Join(notes, ""), "moving the bucket "+bucket))
		c.Close()
	}

	elsewhere := plan.Place{Account: "333333333333", Region: "eu-west-1", Bucket: bucket}
	c := simulated(elsewhere)
	defer c.Close()
	err := c.MakeBucket(t.Context(), elsewhere, plan.Place{})
	require.ErrorContains(t, err, "another account or region", "the former place is not known")
	assert.Contains(t, errs.HintOf(err), "remove "+state+" to start")
}

func TestTheVariablesOfASimulatedAccountLeadToIt(t *testing.T) {
	c, err := Simulate(Simulation{Dir: t.TempDir(), Accounts: []string{"111111111111", "222222222222"}, Region: "eu-west-1", Notef: t.Logf})
	require.NoError(t, err)
	defer c.Close()
	assert.True(t, c.Simulated())
	assert.Contains(t, c.Env(), "AWS_ENDPOINT_URL="+c.URL)
	assert.Contains(t, c.Env(), "AWS_REGION=eu-west-1")
	for name, value := range c.VariablesOf("111111111111") {
		assert.Contains(t, c.Env(), name+"="+value)
	}
	other := c.VariablesOf("222222222222")
	assert.Equal(t, c.URL, other["AWS_ENDPOINT_URL"])
	assert.NotContains(t, c.Env(), "AWS_ACCESS_KEY_ID="+other["AWS_ACCESS_KEY_ID"])
}

func TestTheRealAWSNeedsTheVariablesOfTheUser(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("OTHER", "x")
	var c Cloud
	assert.False(t, c.Simulated())
	assert.Contains(t, c.Env(), "AWS_PROFILE=mine")
	assert.NotContains(t, c.Env(), "OTHER=x")
	assert.Equal(t, "s3://b/some/key", c.Object(plan.Place{Bucket: "b"}, "some/key"))
}

func TestAPortThatIsTakenIsReported(t *testing.T) {
	first, err := Simulate(Simulation{Dir: t.TempDir(), Accounts: []string{"111111111111"}, Region: "eu-west-1", Notef: t.Logf})
	require.NoError(t, err)
	defer first.Close()
	_, err = Simulate(Simulation{Dir: t.TempDir(), Port: portOf(t, first), Accounts: []string{"111111111111"}, Notef: t.Logf})
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "check that the port is free")
}

func portOf(t *testing.T, c Cloud) uint16 {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(c.URL, "http://"))
	require.NoError(t, err)
	number, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	return uint16(number)
}
