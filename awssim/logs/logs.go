// Package logs simulates the part of CloudWatch Logs in which functions and containers write
// and people read. Nothing expires, and there are no filter patterns.
package logs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Group is a log group with its streams by name.
type Group struct {
	Name    string
	Streams map[string][]Event
}

// Event is one line of a log.
type Event struct {
	ID        string
	Timestamp int64 // milliseconds since 1970
	Ingested  int64
	Message   string
}

// Store holds the log groups of every account and region, beside the empty ones that stacks
// have deployed. It is safe for concurrent use.
type Store struct {
	wire.Table[Group]
	now      func() time.Time
	deployed inventory.Source
}

// New makes an empty store on a clock.
func New(now func() time.Time, deployed inventory.Source) *Store {
	return &Store{now: now, deployed: deployed}
}

// Service is CloudWatch Logs over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "logs", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"CreateLogGroup":  wire.Typed(s.createGroup),
		"CreateLogStream": wire.Typed(s.createStream),
		"FilterLogEvents": wire.Typed(s.filter),
		"PutLogEvents":    wire.Typed(s.put),
	}}
}

// Write writes lines at the simulator's time, as a function or a container does: group and
// stream are made where they do not exist.
func (s *Store) Write(account, region, group, stream string, lines ...string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	place := wire.Place(account, region)
	g := s.Places[place][group]
	g.Name = group
	now := s.now().UnixMilli()
	for _, line := range lines {
		g = g.with(stream, Event{Timestamp: now, Ingested: now, Message: line})
	}
	s.Set(place, group, g)
}

// with returns the group with one more event.
func (g Group) with(stream string, e Event) Group {
	streams := map[string][]Event{}
	for name, events := range g.Streams {
		streams[name] = events
	}
	e.ID = fmt.Sprintf("%s-%020d", stream, len(streams[stream]))
	streams[stream] = append(slices.Clone(streams[stream]), e)
	g.Streams = streams
	return g
}

var groupName = regexp.MustCompile(`^[\.\-_/#A-Za-z0-9]{1,512}$`)

type groupInput struct {
	LogGroupName string `json:"logGroupName"`
}

func (s *Store) createGroup(call *wire.Call, in groupInput) (any, error) {
	if err := call.Permit("logs:CreateLogGroup", arnOf(call, in.LogGroupName)); err != nil {
		return nil, err
	}
	if !groupName.MatchString(in.LogGroupName) {
		return nil, wire.Errorf("InvalidParameterException", "1 validation error detected: Value at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+")
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if _, exists := s.find(call, in.LogGroupName); exists {
		return nil, wire.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	s.Set(call.Place(), in.LogGroupName, Group{Name: in.LogGroupName})
	return nil, nil
}

func arnOf(call *wire.Call, group string) string { return call.ARN("logs", "log-group:"+group+":*") }

// find returns a group that was made or deployed. The caller holds the lock.
func (s *Store) find(call *wire.Call, name string) (Group, bool) {
	if g, exists := s.Places[call.Place()][name]; exists {
		return g, true
	}
	exists := slices.ContainsFunc(s.deployed(call.Caller.Account, call.Region, "AWS::Logs::LogGroup"), func(r inventory.Resource) bool { return r.ID == name })
	return Group{Name: name}, exists
}

// existing returns a group that find finds, or the error of CloudWatch.
func (s *Store) existing(call *wire.Call, name string) (Group, error) {
	g, exists := s.find(call, name)
	if !exists {
		return g, absent("group")
	}
	return g, nil
}

func absent(what string) error {
	return wire.Errorf("ResourceNotFoundException", "The specified log %s does not exist.", what)
}

type streamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func (s *Store) createStream(call *wire.Call, in streamInput) (any, error) {
	if err := call.Permit("logs:CreateLogStream", arnOf(call, in.LogGroupName)); err != nil {
		return nil, err
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	g, err := s.existing(call, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if _, exists := g.Streams[in.LogStreamName]; exists {
		return nil, wire.Errorf("ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	g = g.with(in.LogStreamName, Event{})
	g.Streams[in.LogStreamName] = []Event{}
	s.Set(call.Place(), g.Name, g)
	return nil, nil
}

type putInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	LogEvents     []struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	} `json:"logEvents"`
}

func (s *Store) put(call *wire.Call, in putInput) (any, error) {
	if err := call.Permit("logs:PutLogEvents", call.ARN("logs", "log-group:"+in.LogGroupName+":log-stream:"+in.LogStreamName)); err != nil {
		return nil, err
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	g, err := s.existing(call, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if _, exists := g.Streams[in.LogStreamName]; !exists {
		return nil, absent("stream")
	}
	last := int64(0)
	for _, e := range in.LogEvents {
		if e.Timestamp < last {
			return nil, wire.Errorf("InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")
		}
		last = e.Timestamp
		g = g.with(in.LogStreamName, Event{Timestamp: e.Timestamp, Ingested: s.now().UnixMilli(), Message: e.Message})
	}
	s.Set(call.Place(), g.Name, g)
	return map[string]any{"nextSequenceToken": strconv.Itoa(len(g.Streams[in.LogStreamName]))}, nil
}

type filterInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"`
	Limit               *int     `json:"limit"`
	NextToken           string   `json:"nextToken"`
	Interleaved         bool     `json:"interleaved"`
}

// mostFiltered is the most that FilterLogEvents returns (CloudWatch Logs' API reference).
const mostFiltered = 10000

// filter returns the oldest events first, of all streams interleaved.
func (s *Store) filter(call *wire.Call, in filterInput) (any, error) {
	if err := call.Permit("logs:FilterLogEvents", arnOf(call, in.LogGroupName)); err != nil {
		return nil, err
	}
	limit := mostFiltered
	if in.Limit != nil {
		limit = *in.Limit
	}
	switch {
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "":
		return nil, wire.Errorf("InvalidParameterException", "logStreamNames and logStreamNamePrefix cannot both be specified.")
	case limit < 1 || limit > mostFiltered:
		return nil, wire.Errorf("InvalidParameterException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, mostFiltered)
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	g, err := s.existing(call, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	found, err := g.matching(in)
	if err != nil {
		return nil, err
	}
	from, _ := strconv.Atoi(in.NextToken)
	from = min(max(from, 0), len(found))
	to := min(from+limit, len(found))
	answer := map[string]any{"events": found[from:to], "searchedLogStreams": []any{}}
	if to < len(found) {
		answer["nextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

// filtered is an event as FilterLogEvents returns it.
type filtered struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

func (g Group) matching(in filterInput) ([]filtered, error) {
	found := []filtered{}
	for _, name := range in.LogStreamNames {
		if _, exists := g.Streams[name]; !exists {
			return nil, absent("stream")
		}
	}
	for name, events := range g.Streams {
		if len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, name) || !strings.HasPrefix(name, in.LogStreamNamePrefix) {
			continue
		}
		for _, e := range events {
			if (in.StartTime == nil || e.Timestamp >= *in.StartTime) && (in.EndTime == nil || e.Timestamp < *in.EndTime) {
				found = append(found, filtered{LogStreamName: name, Timestamp: e.Timestamp, Message: e.Message, IngestionTime: e.Ingested, EventID: e.ID})
			}
		}
	}
	slices.SortFunc(found, func(a, b filtered) int {
		if a.Timestamp != b.Timestamp {
			return int(a.Timestamp - b.Timestamp)
		}
		return strings.Compare(a.EventID, b.EventID)
	})
	return found, nil
}
