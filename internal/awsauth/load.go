package awsauth

import (
	"cmp"
	"context"
	"errors"
	"log"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// maxAttempts is the most attempts at a throttled call. The CDK CLI
	// makes 7; a storm over many stacks takes longer to pass.
	maxAttempts = 25
	// maxOtherAttempts is the most attempts at a call that fails in another way.
	maxOtherAttempts = 8
	// maxBackoff is the longest pause between two attempts.
	maxBackoff = 10 * time.Second
)

// Load returns the SDK's default configuration (environment, profile, IRSA,
// container or instance credentials) with the retries of this product.
// A region that is not empty overrides the default one.
//
// The files in ~/.aws are read by the first call of the process only. A program that runs
// commands of the repository calls Load before them: where these share its home, they could
// write an endpoint there that receives its credentials, or a program that runs with them.
func Load(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := loadOnce(ctx, region)
	if err != nil {
		return aws.Config{}, err
	}
	cfg = withRetries(cfg, nil)
	cfg.Region = cmp.Or(region, cfg.Region)
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = client.WithTransportOptions() // connections of its own
	}
	return cfg, nil
}

// loaded has the configurations that were read, by the variables of the SDK.
var loaded = struct {
	sync.Mutex
	configs map[string]aws.Config
}{configs: map[string]aws.Config{}}

// loadOnce returns what an earlier call with the same variables read, or reads it.
func loadOnce(ctx context.Context, region string) (aws.Config, error) {
	loaded.Lock()
	defer loaded.Unlock()
	variables := sdkVariables()
	if cfg, known := loaded.configs[variables]; known {
		return cfg, nil
	}
	cfg, err := loadDefault(ctx, region)
	if err == nil {
		loaded.configs[variables] = cfg
	}
	return cfg, err
}

// sdkVariables returns the variables that the SDK reads: they name its files, too.
func sdkVariables() string {
	entries := slices.DeleteFunc(os.Environ(), func(entry string) bool { return !strings.HasPrefix(entry, "AWS_") })
	slices.Sort(entries)
	return strings.Join(entries, "\n")
}

// loadDefault reads the configuration. It has a region only if the environment or a
// profile has one; the region that is given is for roles that a profile assumes.
func loadDefault(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(sdkLogger))
	if err != nil || cfg.Region != "" {
		return cfg, err
	}
	cfg, err = config.LoadDefaultConfig(ctx, config.WithLogger(sdkLogger), config.WithRegion(cmp.Or(region, usualRegion)))
	cfg.Region = ""
	return cfg, err
}

// usualRegion is the region of STS where no other one is known.
const usualRegion = "us-east-1"

// HasCredentials reports whether the default chain finds credentials; it does not ask AWS
// whether they are valid.
func HasCredentials(ctx context.Context, region string) bool {
	cfg, err := Load(ctx, region)
	if err != nil {
		return false
	}
	_, err = cfg.Credentials.Retrieve(ctx)
	return err == nil
}

// sdkLogger writes messages of the SDK to the program's log instead of stderr. Messages
// about the connection of a call that this program cancelled are dropped.
var sdkLogger = logging.LoggerFunc(func(_ logging.Classification, format string, values ...any) {
	if !slices.ContainsFunc(values, cancelled) {
		log.Printf("AWS SDK: "+format, values...)
	}
})

func cancelled(value any) bool {
	err, isError := value.(error)
	return isError && (errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed))
}

// withRetries returns cfg with patient retries. The SDK's adaptive mode is not used: after
// a single throttled call it limits itself to one call in two seconds for a long time.
// With a cache, a call refused because its session has expired gets a new session and is
// retried.
func withRetries(cfg aws.Config, cache *aws.CredentialsCache) aws.Config {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer {
		standard := retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = maxAttempts
			o.MaxBackoff = maxBackoff
			// The default limit fails early when many calls are throttled at once.
			o.RateLimiter = ratelimit.None
		})
		return &renewing{RetryerV2: standard, cache: cache}
	}
	return cfg
}

// renewing is a retryer that renews expired credentials.
type renewing struct {
	aws.RetryerV2
	cache *aws.CredentialsCache
}

// IsErrorRetryable reports whether a call that failed with err is worth another attempt.
func (r *renewing) IsErrorRetryable(err error) bool {
	if isExpired(err) && r.cache != nil {
		r.cache.Invalidate()
		return true
	}
	return r.RetryerV2.IsErrorRetryable(err)
}

// RetryDelay returns the pause after an attempt, or an error after maxOtherAttempts of a
// call that is not throttled: other failures rarely last as long.
func (r *renewing) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt >= maxOtherAttempts && retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) != aws.TrueTernary {
		return 0, err
	}
	return r.RetryerV2.RetryDelay(attempt, err)
}

// isExpired reports whether AWS refused credentials because their session has expired.
func isExpired(err error) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, errs.Code(err))
}
