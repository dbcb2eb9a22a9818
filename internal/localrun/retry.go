package localrun

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/expr-lang/expr"
)

// Retry is the retry strategy of a step.
type Retry struct {
	Limit       *intOrString `json:"limit,omitempty"`
	RetryPolicy string       `json:"retryPolicy,omitempty"`
	Expression  string       `json:"expression,omitempty"`
	Backoff     *Backoff     `json:"backoff,omitempty"`
}

// Backoff is the pause before another attempt.
type Backoff struct {
	Duration string       `json:"duration,omitempty"`
	Factor   *intOrString `json:"factor,omitempty"`
}

// intOrString is a number, with or without quotes.
type intOrString int

// UnmarshalJSON reads 3 and "3".
func (n *intOrString) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	value, err := strconv.Atoi(text)
	*n = intOrString(value)
	return err
}

// again reports whether to retry the step after attempt number `attempt` (counted from 1)
// ended with this result.
func (r *Retry) again(attempt int, last attemptResult) (bool, error) {
	if r == nil || last.status == Succeeded || (r.Limit != nil && attempt > int(*r.Limit)) {
		return false, nil
	}
	switch r.RetryPolicy {
	case "Always":
	case "", "OnFailure":
		if last.status != Failed {
			return false, nil
		}
	case "OnError":
		if last.status != Errored {
			return false, nil
		}
	default:
		return false, fmt.Errorf("the local run does not support the retry policy %q", r.RetryPolicy)
	}
	if r.Expression == "" {
		return true, nil
	}
	return evaluate(r.Expression, map[string]any{"lastRetry": map[string]string{
		"status": string(last.status), "exitCode": strconv.Itoa(last.exitCode), "message": last.message,
		"duration": strconv.Itoa(int(last.took.Seconds())),
	}})
}

// evaluate evaluates a condition in Argo's expression language.
func evaluate(text string, values map[string]any) (bool, error) {
	values["asInt"] = strconv.Atoi
	program, err := expr.Compile(text, expr.Env(values), expr.AsBool())
	if err != nil {
		return false, fmt.Errorf("reading the condition %q: %w", text, err)
	}
	result, err := expr.Run(program, values)
	if err != nil {
		return false, fmt.Errorf("evaluating the condition %q: %w", text, err)
	}
	return result.(bool), nil
}

// wait sleeps before the attempt that follows number `attempt`.
func (r *Retry) wait(ctx context.Context, attempt int) error {
	if r.Backoff == nil || r.Backoff.Duration == "" {
		return nil
	}
	pause, err := duration(r.Backoff.Duration)
	if err != nil {
		return err
	}
	if r.Backoff.Factor != nil {
		for range attempt - 1 {
			pause *= time.Duration(*r.Backoff.Factor)
		}
	}
	return sleep(ctx, pause)
}

// duration reads Argo's durations: "10s", "2m", or a bare number of seconds.
func duration(text string) (time.Duration, error) {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return time.ParseDuration(text)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
