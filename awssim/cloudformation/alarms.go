package cloudformation

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rollbackConfiguration is which alarms stop the deployments of a stack.
type rollbackConfiguration struct {
	Triggers []trigger
	Minutes  string // for which they are monitored once all resources are deployed; empty is 0
}

type trigger struct{ ARN, Type string }

// rollback takes the rollback configuration that a call gives; what it leaves out stays.
func (f form) rollback(into *rollbackConfiguration) {
	const triggers, minutes = "RollbackConfiguration.RollbackTriggers", "RollbackConfiguration.MonitoringTimeInMinutes"
	if f.given(triggers) {
		into.Triggers = nil
		for _, prefix := range f.members(triggers) {
			into.Triggers = append(into.Triggers, trigger{ARN: f.text(prefix + ".Arn"), Type: f.text(prefix + ".Type")})
		}
	}
	if f.has(minutes) {
		into.Minutes = f.text(minutes)
	}
}

// Limits of a rollback configuration (API reference, RollbackConfiguration).
const (
	mostTriggers = 5
	mostMinutes  = 180
)

var (
	alarmARN   = regexp.MustCompile(`^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.+$`)
	alarmTypes = []string{"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
)

func (r rollbackConfiguration) check() error {
	if len(r.Triggers) > mostTriggers {
		return invalidf("1 validation error detected: Value at 'rollbackConfiguration.rollbackTriggers' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", mostTriggers)
	}
	for _, t := range r.Triggers {
		if !alarmARN.MatchString(t.ARN) || !slices.Contains(alarmTypes, t.Type) {
			return invalidf("Invalid rollback trigger %s of type %s", t.ARN, t.Type)
		}
	}
	if minutes, err := strconv.Atoi(r.Minutes); r.Minutes != "" && (err != nil || minutes < 0 || minutes > mostMinutes) {
		return invalidf("1 validation error detected: Value '%s' at 'rollbackConfiguration.monitoringTimeInMinutes' failed to satisfy constraint: "+
			"Member must have value between 0 and %d", r.Minutes, mostMinutes)
	}
	return nil
}

func (r rollbackConfiguration) equal(other rollbackConfiguration) bool {
	return slices.Equal(r.Triggers, other.Triggers) && r.time() == other.time()
}

// time is for how long alarms are monitored once all resources are deployed.
func (r rollbackConfiguration) time() time.Duration {
	minutes, _ := strconv.Atoi(r.Minutes)
	return time.Duration(minutes) * time.Minute
}

func (r rollbackConfiguration) field() field {
	return group("RollbackConfiguration", optionalList("RollbackTriggers", r.Triggers, func(t trigger) node {
		return fields(text("Arn", t.ARN), text("Type", t.Type))
	}), optional("MonitoringTimeInMinutes", r.Minutes))
}

// checkAlarms fails an operation whose stack names an alarm that does not exist.
func (e *Engine) checkAlarms(s *stack) error {
	e.mu.Lock()
	triggers := s.Version.Rollback.Triggers
	e.mu.Unlock()
	for _, t := range triggers {
		if !e.host.HasAlarm(s.Scope, t.ARN) {
			return fmt.Errorf("Rollback trigger %s does not exist.", t.ARN)
		}
	}
	return nil
}

// watchAlarms returns a context that ends when an alarm of the stack goes off, and a function
// that ends the watch. The operation has the alarms then.
func (e *Engine) watchAlarms(ctx context.Context, s *stack) (context.Context, func()) {
	e.mu.Lock()
	triggers := s.Version.Rollback.Triggers
	e.mu.Unlock()
	if len(triggers) == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if e.await(ctx, func() bool { return s.alarmed(e.host, triggers) }) == nil {
			cancel(errCancelled)
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// alarmed notes which alarms are in the state ALARM. The caller holds the lock.
func (s *stack) alarmed(host Host, triggers []trigger) bool {
	for _, t := range triggers {
		if host.Alarms(s.Scope, t.ARN) {
			s.Operation.Alarms = append(s.Operation.Alarms, t.ARN)
		}
	}
	return len(s.Operation.Alarms) > 0
}

// monitor waits as long as the alarms of a stack are monitored once its resources are deployed.
func (e *Engine) monitor(ctx context.Context, s *stack) {
	e.mu.Lock()
	op, now := s.Operation, e.host.Now()
	if op.Monitored.IsZero() {
		op.Monitored = now
	}
	left := s.Version.Rollback.time() - now.Sub(op.Monitored)
	e.mu.Unlock()
	_ = e.sleep(ctx, left)
}

func alarmReason(arns []string) string {
	return "The following CloudWatch Alarms are in ALARM state: [" + strings.Join(arns, ", ") + "]. "
}

// Wake lets operations look at the alarms again.
func (e *Engine) Wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broadcast()
}
