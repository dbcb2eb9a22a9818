package awssim_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

func (c cloud) whoami() error {
	_, err := c.sts(devAccount, ireland).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err
}

func (c cloud) parameters(account string) error {
	_, err := c.ssm(account, ireland).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	return err
}

func (c cloud) buckets() error {
	_, err := c.s3(devAccount, ireland).ListBuckets(ctx, &s3.ListBucketsInput{})
	return err
}

func TestFaultsSpeakTheServicesLanguage(t *testing.T) {
	for _, test := range []struct {
		rule            awssim.Rule
		query, js, rest string // codes of an awsquery, a JSON and a REST service
	}{
		{awssim.Rule{Kind: awssim.Throttle}, "Throttling", "ThrottlingException", "SlowDown"},
		{awssim.Rule{Kind: awssim.Status}, "InternalFailure", "InternalServerError", "InternalError"},
		{awssim.Rule{Kind: awssim.Status, Status: 503}, "ServiceUnavailable", "ServiceUnavailableException", "ServiceUnavailable"},
		{awssim.Rule{Kind: awssim.ExpiredToken}, "ExpiredToken", "ExpiredTokenException", "ExpiredToken"},
		{awssim.Rule{Kind: awssim.Refuse, Status: 400, Code: "OptInRequired", Message: "off"}, "OptInRequired", "OptInRequired", "OptInRequired"},
	} {
		c := newCloud(t)
		c.Fail(test.rule)
		assert.Equal(t, test.query, code(c.whoami()))
		assert.Equal(t, test.js, code(c.parameters(devAccount)))
		assert.Equal(t, test.rest, code(c.buckets()))
		c.Heal()
		assert.NoError(t, c.whoami())
	}
}

func TestAFaultAppliesToMatchingCallsOnly(t *testing.T) {
	c := newCloud(t)
	c.Fail(awssim.Rule{Service: "ssm", Operation: "DescribeParameters", Account: prodAccount, Skip: 1, Times: 2})
	require.NoError(t, c.whoami(), "another service")
	require.NoError(t, c.parameters(devAccount), "another account")
	require.NoError(t, c.parameters(prodAccount), "the first is skipped")
	require.Error(t, c.parameters(prodAccount))
	require.Error(t, c.parameters(prodAccount))
	require.NoError(t, c.parameters(prodAccount), "twice was enough")

	c.Fail(awssim.Rule{Service: "s3", Target: regexp.MustCompile(`^shelf/bad/`), Match: func(r *awssim.Record) bool { return r.Operation == "PutObject" }})
	s := c.bucket(devAccount, ireland, "shelf")
	s.put("good/k", "v")
	_, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String("bad/k"), Body: strings.NewReader("v")})
	require.Equal(t, "SlowDown", code(err))
}

func TestADroppedConnectionIsNoAnswer(t *testing.T) {
	c := newCloud(t)
	c.Fail(awssim.Rule{Kind: awssim.Drop, Service: "ssm", Operation: "PutParameter", Times: 1})
	put := func(name string) error {
		_, err := c.ssm(devAccount, ireland).PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: aws.String("v"), Type: "String"})
		return err
	}
	require.ErrorIs(t, put("/lost"), io.EOF)
	require.NoError(t, put("/lost"), "the dropped call had no effect")
	c.Fail(awssim.Rule{Kind: awssim.Drop, Service: "ssm", Operation: "PutParameter", Times: 1, AfterEffect: true})
	require.ErrorIs(t, put("/done"), io.EOF)
	require.Equal(t, "ParameterAlreadyExists", code(put("/done")), "only the answer was lost")
	history := c.History()
	require.Zero(t, history[0].Status)
	require.Equal(t, http.StatusOK, history[1].Status)
	c.Fail(awssim.Rule{Kind: awssim.Drop, Service: "ssm", Operation: "PutParameter", Times: 1, AfterEffect: true})
	require.ErrorIs(t, put("/done"), io.EOF, "a refusal is lost as well")
}

func TestASlowCallWaitsInSimulatedTime(t *testing.T) {
	c := newCloud(t)
	c.Fail(awssim.Rule{Kind: awssim.Delay, Delay: time.Hour, Times: 1})
	done := make(chan error)
	go func() { done <- c.whoami() }()
	select {
	case <-done:
		require.Fail(t, "it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	for range 100 { // the call may not have arrived yet
		c.Clock().Advance(time.Hour)
		select {
		case err := <-done:
			require.NoError(t, err)
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	require.Fail(t, "it waits for ever")
}

func TestCallsAreCountedAndRemembered(t *testing.T) {
	c := newCloud(t)
	require.NoError(t, c.whoami())
	require.NoError(t, c.whoami())
	s := c.bucket(devAccount, frankfurt, "shelf")
	_, err := s.get("a/missing")
	require.Error(t, err)
	require.Equal(t, map[string]int{"sts:GetCallerIdentity": 2, "s3:CreateBucket": 1, "s3:GetObject": 1}, c.Calls())
	last := c.History()[3]
	last.Time = time.Time{}
	require.Equal(t, awssim.Record{
		Service: "s3", Operation: "GetObject", Account: devAccount, Region: frankfurt, Caller: "arn:aws:iam::111111111111:user/admin",
		Target: "shelf/a/missing", Status: http.StatusNotFound, Code: "NoSuchKey",
	}, last)
	c.ForgetCalls()
	require.Empty(t, c.Calls())
}
