package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
)

const (
	// maxAttempts is how often a call is made at most. The CDK CLI makes 7; a
	// storm of throttles over many stacks takes a little longer to pass.
	maxAttempts = 10
	// maxBackoff bounds the pause between two attempts.
	maxBackoff = 20 * time.Second
)

// Load gives the SDK's default configuration (environment, profile, IRSA,
// container or instance credentials) with the retries that this product wants.
// The region is used when it is not empty.
func Load(ctx context.Context, region string) (aws.Config, error) {
	var options []func(*config.LoadOptions) error
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, err
	}
	return withRetries(cfg, nil), nil
}

// withRetries gives cfg patient, adaptive retries. With a cache, a call that is
// refused because its session has ended drops the session and is made again.
func withRetries(cfg aws.Config, cache *aws.CredentialsCache) aws.Config {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer {
		adaptive := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
				o.MaxAttempts = maxAttempts
				o.MaxBackoff = maxBackoff
				// The default gives up early when many calls are throttled at once.
				o.RateLimiter = ratelimit.None
			})
		})
		return &renewing{RetryerV2: adaptive, cache: cache}
	}
	return cfg
}

// renewing is a retryer that gets new credentials when the old ones have ended.
type renewing struct {
	aws.RetryerV2
	cache *aws.CredentialsCache
}

// IsErrorRetryable says whether a call that failed with err is worth another attempt.
func (r *renewing) IsErrorRetryable(err error) bool {
	if isExpired(err) && r.cache != nil {
		r.cache.Invalidate()
		return true
	}
	return r.RetryerV2.IsErrorRetryable(err)
}

// isExpired says whether AWS refused credentials because their session has ended.
func isExpired(err error) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, codeOf(err))
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
