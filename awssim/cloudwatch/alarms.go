package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// AlarmState is the state that a call gave an alarm.
type AlarmState struct {
	ARN    string
	Value  string // OK, ALARM or INSUFFICIENT_DATA
	Reason string
	At     time.Time
}

// Alarms are those that stacks have deployed, of every account and region. No metric changes
// their states. It is safe for concurrent use.
type Alarms struct {
	wire.Table[AlarmState]
	now      func() time.Time
	deployed inventory.Source
	changed  func()
}

// NewAlarms returns alarms on a clock. Changed is called when the state of one was set.
func NewAlarms(now func() time.Time, deployed inventory.Source, changed func()) *Alarms {
	return &Alarms{now: now, deployed: deployed, changed: changed}
}

const (
	noData    = "INSUFFICIENT_DATA"
	metric    = "AWS::CloudWatch::Alarm"
	composite = "AWS::CloudWatch::CompositeAlarm"
)

// Exists reports whether a stack has deployed an alarm.
func (a *Alarms) Exists(account, region, arn string) bool {
	return slices.ContainsFunc(a.deployed(account, region, metric, composite), func(r inventory.Resource) bool {
		return strings.HasSuffix(arn, ":cloudwatch:"+region+":"+account+":alarm:"+r.ID)
	})
}

// State returns the state of an alarm at a place.
func (a *Alarms) State(place, arn string) string { return a.state(place, arn).Value }

func (a *Alarms) state(place, arn string) AlarmState {
	a.Mu.RLock()
	defer a.Mu.RUnlock()
	if state, set := a.Places[place][arn]; set {
		return state
	}
	return AlarmState{ARN: arn, Value: noData, Reason: "Unchecked: Initial alarm creation"}
}

type setInput struct{ AlarmName, StateValue, StateReason string }

func (a *Alarms) set(call *wire.Call, in setInput) (any, error) {
	arn := call.ARN("cloudwatch", "alarm:"+in.AlarmName)
	if err := call.Permit("cloudwatch:SetAlarmState", arn); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains([]string{"OK", "ALARM", noData}, in.StateValue):
		return nil, invalid("The value %q for parameter StateValue is invalid.", in.StateValue)
	case in.StateReason == "":
		return nil, wire.Errorf("MissingRequiredParameter", "The parameter StateReason is required.")
	case !a.Exists(call.Caller.Account, call.Region, arn):
		return nil, wire.Errorf("ResourceNotFound", "The alarm %s does not exist", in.AlarmName).WithStatus(404)
	}
	a.Mu.Lock()
	a.Set(call.Place(), arn, AlarmState{ARN: arn, Value: in.StateValue, Reason: in.StateReason, At: a.now().UTC()})
	a.Mu.Unlock()
	a.changed()
	return nil, nil
}

type describeInput struct {
	AlarmNames []string
	StateValue string
}

type described struct {
	AlarmName, AlarmArn, StateValue, StateReason string
	StateUpdatedTimestamp                        *time.Time
}

func (a *Alarms) describe(call *wire.Call, in describeInput) (any, error) {
	if err := call.Permit("cloudwatch:DescribeAlarms", call.ARN("cloudwatch", "alarm:*")); err != nil {
		return nil, err
	}
	found := map[string][]described{metric: {}, composite: {}}
	for typ := range found {
		for _, r := range a.deployed(call.Caller.Account, call.Region, typ) {
			state := a.state(call.Place(), call.ARN("cloudwatch", "alarm:"+r.ID))
			if in.AlarmNames != nil && !slices.Contains(in.AlarmNames, r.ID) || in.StateValue != "" && state.Value != in.StateValue {
				continue
			}
			d := described{AlarmName: r.ID, AlarmArn: state.ARN, StateValue: state.Value, StateReason: state.Reason}
			if !state.At.IsZero() {
				d.StateUpdatedTimestamp = &state.At
			}
			found[typ] = append(found[typ], d)
		}
	}
	return map[string]any{"MetricAlarms": found[metric], "CompositeAlarms": found[composite]}, nil
}
