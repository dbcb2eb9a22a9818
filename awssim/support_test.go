package awssim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

const (
	devAccount  = "111111111111"
	prodAccount = "222222222222"
	ireland     = "eu-west-1"
	frankfurt   = "eu-central-1"
)

// cloud is a running simulator.
type cloud struct {
	*awssim.Server
	t *testing.T
}

func start(t *testing.T, options awssim.Options) cloud {
	t.Helper()
	server, err := awssim.New(options)
	require.NoError(t, err)
	_, err = server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return cloud{server, t}
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	return start(t, awssim.Options{})
}

// as is the SDK configuration of an account's administrator.
func (c cloud) as(account, region string) aws.Config {
	key := c.AddAccount(account)
	return c.with(credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""), region)
}

// with is the SDK configuration of any credentials. It does not retry, so that
// a test sees the first answer.
func (c cloud) with(provider aws.CredentialsProvider, region string) aws.Config {
	return aws.Config{
		Region: region, Credentials: provider, BaseEndpoint: aws.String(c.URL()),
		Retryer:                    func() aws.Retryer { return aws.NopRetryer{} },
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}
}

// sign signs a request that no SDK would make.
func (c cloud) sign(r *http.Request, key awssim.Credentials, service, region, hash string) {
	c.t.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	who := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
	require.NoError(c.t, signer.SignHTTP(context.Background(), who, r, hash, service, region, time.Now()))
}

func (c cloud) s3(account, region string) *s3.Client { return s3.NewFromConfig(c.as(account, region)) }

func (c cloud) sts(account, region string) *sts.Client {
	return sts.NewFromConfig(c.as(account, region))
}

func (c cloud) ssm(account, region string) *ssm.Client {
	return ssm.NewFromConfig(c.as(account, region))
}
