package awsauth

import (
	"context"
	"errors"
	"log"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// maxAttempts is how often a throttled call is made at most. The CDK CLI
	// makes 7; a storm over many stacks takes longer to pass.
	maxAttempts = 25
	// maxOtherAttempts is how often a call is made that fails in another way.
	maxOtherAttempts = 8
	// maxBackoff bounds the pause between two attempts.
	maxBackoff = 10 * time.Second
)

// Load gives the SDK's default configuration (environment, profile, IRSA,
// container or instance credentials) with the retries that this product wants.
// The region is used when it is not empty.
func Load(ctx context.Context, region string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(sdkLogger)}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, err
	}
	return withRetries(cfg, nil), nil
}

// sdkLogger writes what the SDK remarks where the program's own log goes, and
// not past it to standard error. What it remarks about the connection of a call
// that this program itself gave up is no news.
var sdkLogger = logging.LoggerFunc(func(_ logging.Classification, format string, values ...any) {
	if !slices.ContainsFunc(values, givenUp) {
		log.Printf("AWS SDK: "+format, values...)
	}
})

func givenUp(value any) bool {
	err, isError := value.(error)
	return isError && (errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed))
}

// withRetries gives cfg patient retries. The SDK's adaptive mode is not used: it
// throttles itself to a call in two seconds for a long time after a single
// refusal. With a cache, a call that is refused because its session has ended
// drops the session and is made again.
func withRetries(cfg aws.Config, cache *aws.CredentialsCache) aws.Config {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer {
		standard := retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = maxAttempts
			o.MaxBackoff = maxBackoff
			// The default gives up early when many calls are throttled at once.
			o.RateLimiter = ratelimit.None
		})
		return &renewing{RetryerV2: standard, cache: cache}
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

// RetryDelay is the pause after an attempt. It ends the attempts of a call that
// fails for another reason than a throttle, which hardly ever lasts as long.
func (r *renewing) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt >= maxOtherAttempts && retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) != aws.TrueTernary {
		return 0, err
	}
	return r.RetryerV2.RetryDelay(attempt, err)
}

// isExpired says whether AWS refused credentials because their session has ended.
func isExpired(err error) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, errs.Code(err))
}
