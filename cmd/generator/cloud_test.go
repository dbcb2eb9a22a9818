package main

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awssim"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

func TestABucketOfOnesOwnNameFollowsThePipelineToAnotherAccountOrRegion(t *testing.T) {
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	state, err := openState(t.Context(), t.TempDir(), streams{err: io.Discard})
	require.NoError(t, err)
	defer state.close()
	l := &laptop{state: state, console: newConsole(io.Discard)}

	const bucket = "a-name-of-our-own"
	for _, place := range []plan.Place{
		{Account: "111111111111", Region: "eu-west-1", Bucket: bucket},
		{Account: "222222222222", Region: "eu-west-1", Bucket: bucket},
		{Account: "222222222222", Region: "us-east-1", Bucket: bucket},
		{Account: "222222222222", Region: "eu-central-1", Bucket: bucket},
	} {
		c := cloud{server: server, url: url, home: place.Account, region: place.Region}
		client := s3.NewFromConfig(c.as(place.Account, place.Region))
		key, name := "some/key", bucket
		for range 2 { // a run that was broken off before it kept the place
			require.NoError(t, c.makeBucket(t.Context(), l, place), place)
			_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader("x")})
			require.NoError(t, err, place)
		}
		require.NoError(t, state.keepPlace(place))
		require.Equal(t, place, state.place())
		require.NoError(t, c.makeBucket(t.Context(), l, place))
		_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: &key})
		require.NoError(t, err, "what lies there stays where nothing moves")
	}

	elsewhere := plan.Place{Account: "333333333333", Region: "eu-west-1", Bucket: bucket}
	c := cloud{server: server, url: url, home: elsewhere.Account, region: elsewhere.Region}
	require.NoError(t, state.keepPlace(plan.Place{}))
	assert.ErrorContains(t, c.makeBucket(t.Context(), l, elsewhere), "another account or region", "nobody says whose it was")
}
