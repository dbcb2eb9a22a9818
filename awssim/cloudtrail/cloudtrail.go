// Package cloudtrail simulates the event history of CloudTrail: calls that a test says others
// have made. The simulator's own calls are not in it, as CloudTrail has none for minutes.
package cloudtrail

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Event is a call in the history of an account and region.
type Event struct {
	Time      time.Time
	Source    string // such as sqs.amazonaws.com
	Name      string // such as CreateQueue
	Principal string // ARN of the caller
	ErrorCode string // empty for a call that succeeded
	Message   string // of the error
}

// Store holds the history of every account and region. It is safe for concurrent use.
type Store struct{ wire.Table[Event] }

// Record adds a call that CloudTrail has delivered.
func (s *Store) Record(account, region string, e Event) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	place := wire.Place(account, region)
	s.Set(place, fmt.Sprintf("%020d", len(s.Places[place])), e)
}

// Service is CloudTrail over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "cloudtrail", Protocol: wire.JSON, Operations: map[string]wire.Handler{"LookupEvents": wire.Typed(s.lookup)}}
}

type input struct {
	StartTime, EndTime float64 // seconds since 1970
	MaxResults         *int
	NextToken          string
}

// most is the most events of a page (CloudTrail's API reference, LookupEvents).
const most = 50

// lookup returns the newest events first.
func (s *Store) lookup(call *wire.Call, in input) (any, error) {
	if err := call.Permit("cloudtrail:LookupEvents", "*"); err != nil {
		return nil, err
	}
	limit := most
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	switch {
	case limit < 1 || limit > most:
		return nil, wire.Errorf("InvalidMaxResultsException", "A limit of %d for maxResults is invalid: it must be between 1 and %d.", limit, most)
	case in.EndTime != 0 && in.StartTime > in.EndTime:
		return nil, wire.Errorf("InvalidTimeRangeException", "The start time is after the end time.")
	}
	from, err := strconv.Atoi("0" + in.NextToken)
	if err != nil {
		return nil, wire.Errorf("InvalidNextTokenException", "The token is invalid.")
	}
	var found []map[string]any
	for i, e := range s.All(call.Place()) {
		at := float64(e.Time.UnixMilli()) / 1000
		if at >= in.StartTime && (in.EndTime == 0 || at <= in.EndTime) {
			found = append(found, e.view(call, i))
		}
	}
	slices.Reverse(found)
	from = min(from, len(found))
	to := min(from+limit, len(found))
	answer := map[string]any{"Events": append([]map[string]any{}, found[from:to]...)}
	if to < len(found) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

func (e Event) view(call *wire.Call, serial int) map[string]any {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", serial)
	record := map[string]any{
		"eventVersion": "1.11", "eventID": id, "eventTime": e.Time.UTC().Format(time.RFC3339), "eventSource": e.Source, "eventName": e.Name,
		"awsRegion": call.Region, "userIdentity": map[string]any{"type": "AssumedRole", "arn": e.Principal, "accountId": call.Caller.Account},
	}
	if e.ErrorCode != "" {
		record["errorCode"], record["errorMessage"] = e.ErrorCode, e.Message
	}
	text, _ := json.Marshal(record) // texts always encode
	return map[string]any{
		"EventId": id, "EventName": e.Name, "EventSource": e.Source, "EventTime": float64(e.Time.UnixMilli()) / 1000, "CloudTrailEvent": string(text),
	}
}
