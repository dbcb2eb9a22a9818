package cloudwatch

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Service is CloudWatch over its metrics and alarms. Clients speak Smithy's RPC v2 with it.
func Service(s *Store, a *Alarms) wire.Service {
	return wire.Service{Name: "monitoring", Protocol: wire.CBOR, Operations: map[string]wire.Handler{
		"DescribeAlarms":      wire.TypedCBOR(a.describe),
		"SetAlarmState":       wire.TypedCBOR(a.set),
		"PutMetricData":       wire.TypedCBOR(s.put),
		"ListMetrics":         wire.TypedCBOR(s.list),
		"GetMetricStatistics": wire.TypedCBOR(s.statistics),
	}}
}

type datumInput struct {
	MetricName string
	Dimensions []Dimension
	Timestamp  float64 // seconds since 1970; 0 is now
	Value      *float64
	Unit       string
}

type putInput struct {
	Namespace  string
	MetricData []datumInput
}

// Limits of a call (CloudWatch's API reference, PutMetricData and MetricDatum).
const (
	mostOfCall       = 1000
	mostOfDimensions = 30
	mostOfName       = 255
	mostOfDimension  = 1024
	oldest           = 14 * 24 * time.Hour
	newest           = 2 * time.Hour
)

func (s *Store) put(call *wire.Call, in putInput) (any, error) {
	err := call.Guard(policy.Question{Action: "cloudwatch:PutMetricData", Resource: "*", Keys: policy.Keys{"cloudwatch:namespace": {in.Namespace}}})
	if err != nil {
		return nil, err
	}
	switch {
	case in.Namespace == "" || len(in.Namespace) > mostOfName || strings.HasPrefix(in.Namespace, ":") || strings.HasPrefix(in.Namespace, "AWS/"):
		return nil, invalid("The value %q for parameter Namespace is invalid.", in.Namespace)
	case len(in.MetricData) == 0:
		return nil, wire.Errorf("MissingRequiredParameter", "The parameter MetricData is required.")
	case len(in.MetricData) > mostOfCall:
		return nil, invalid("The collection MetricData must not have a size greater than %d.", mostOfCall)
	}
	data := make([]Datum, 0, len(in.MetricData))
	for _, one := range in.MetricData {
		d, err := s.datum(in.Namespace, one)
		if err != nil {
			return nil, err
		}
		data = append(data, d)
	}
	s.add(call.Place(), in.Namespace, data)
	return nil, nil
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}

// datum checks a value as CloudWatch does.
func (s *Store) datum(namespace string, in datumInput) (Datum, error) {
	now := s.now()
	d := Datum{Namespace: namespace, MetricName: in.MetricName, Dimensions: sorted(in.Dimensions), Unit: in.Unit, At: now}
	if in.Timestamp != 0 {
		d.At = time.UnixMilli(int64(in.Timestamp * 1000)).UTC()
	}
	switch {
	case in.MetricName == "" || len(in.MetricName) > mostOfName:
		return d, invalid("The value %q for parameter MetricName is invalid.", in.MetricName)
	case in.Value == nil:
		return d, wire.Errorf("MissingRequiredParameter", "The simulator requires the member Value.")
	case math.IsNaN(*in.Value) || math.IsInf(*in.Value, 0):
		return d, invalid("The value of metric %s is no number.", in.MetricName)
	case len(in.Dimensions) > mostOfDimensions:
		return d, invalid("The collection Dimensions must not have a size greater than %d.", mostOfDimensions)
	case d.At.Before(now.Add(-oldest)) || d.At.After(now.Add(newest)):
		return d, invalid("The timestamp of metric %s is more than two weeks old or two hours ahead.", in.MetricName)
	}
	for _, dimension := range in.Dimensions {
		if !valid(dimension.Name, mostOfName) || !valid(dimension.Value, mostOfDimension) {
			return d, invalid("The dimension %q=%q of metric %s is invalid.", dimension.Name, dimension.Value, in.MetricName)
		}
	}
	d.Value = *in.Value
	return d, nil
}

// valid reports whether a text may be the name or the value of a dimension.
func valid(text string, most int) bool {
	notASCII := func(r rune) bool { return r < ' ' || r > '~' }
	return strings.TrimSpace(text) != "" && len(text) <= most && !strings.HasPrefix(text, ":") && !strings.ContainsFunc(text, notASCII)
}

type listInput struct {
	Namespace  string
	MetricName string
	Dimensions []struct{ Name, Value string }
}

func (s *Store) list(call *wire.Call, in listInput) (any, error) {
	if err := call.Permit("cloudwatch:ListMetrics", "*"); err != nil {
		return nil, err
	}
	type metric struct {
		Namespace  string
		MetricName string
		Dimensions []Dimension
	}
	metrics := []metric{}
	for _, d := range s.of(call.Place(), func(d Datum) bool {
		return (in.Namespace == "" || d.Namespace == in.Namespace) && (in.MetricName == "" || d.MetricName == in.MetricName)
	}) {
		asked := !slices.ContainsFunc(in.Dimensions, func(f struct{ Name, Value string }) bool {
			return !slices.ContainsFunc(d.Dimensions, func(has Dimension) bool { return has.Name == f.Name && (f.Value == "" || has.Value == f.Value) })
		})
		known := slices.ContainsFunc(metrics, func(m metric) bool { return m.MetricName == d.MetricName && slices.Equal(m.Dimensions, d.Dimensions) })
		if asked && !known {
			metrics = append(metrics, metric{d.Namespace, d.MetricName, d.Dimensions})
		}
	}
	return map[string]any{"Metrics": metrics}, nil
}

type statisticsInput struct {
	Namespace          string
	MetricName         string
	Dimensions         []Dimension
	StartTime, EndTime float64
	Period             int // seconds
	Statistics         []string
}

type datapoint struct {
	Timestamp                 time.Time
	SampleCount, Average, Sum float64
	Minimum, Maximum          float64
	Unit                      string
}

func (s *Store) statistics(call *wire.Call, in statisticsInput) (any, error) {
	if err := call.Permit("cloudwatch:GetMetricStatistics", "*"); err != nil {
		return nil, err
	}
	if in.Period <= 0 || in.Period%60 != 0 {
		return nil, invalid("The parameter Period must be a multiple of 60.")
	}
	points := []datapoint{}
	for _, d := range s.of(call.Place(), func(d Datum) bool {
		at := float64(d.At.UnixMilli()) / 1000
		return d.Namespace == in.Namespace && d.MetricName == in.MetricName && slices.Equal(d.Dimensions, sorted(in.Dimensions)) && at >= in.StartTime && at < in.EndTime
	}) {
		at := d.At.Truncate(time.Duration(in.Period) * time.Second).UTC()
		i := slices.IndexFunc(points, func(p datapoint) bool { return p.Timestamp.Equal(at) })
		if i < 0 {
			points = append(points, datapoint{Timestamp: at, Minimum: d.Value, Maximum: d.Value, Unit: d.Unit})
			i = len(points) - 1
		}
		p := &points[i]
		p.SampleCount++
		p.Sum += d.Value
		p.Average, p.Minimum, p.Maximum = p.Sum/p.SampleCount, min(p.Minimum, d.Value), max(p.Maximum, d.Value)
	}
	return map[string]any{"Label": in.MetricName, "Datapoints": points}, nil
}
