// Package cloudwatch simulates the metrics of CloudWatch, which are published, listed and
// summed up, and the alarms that stacks have deployed, whose states a call sets.
package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Datum is one value of a metric.
type Datum struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension // sorted by name
	Value      float64
	Unit       string
	At         time.Time
}

// Dimension is a part of the identity of a metric.
type Dimension struct{ Name, Value string }

// Store holds the values of every account and region, in the order in which they came. It is
// safe for concurrent use.
type Store struct {
	wire.Table[[]Datum]
	now func() time.Time
}

// New makes an empty store on a clock.
func New(now func() time.Time) *Store { return &Store{now: now} }

// Published returns the values of a namespace in an account and region.
func (s *Store) Published(account, region, namespace string) []Datum {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return slices.Clone(s.Places[wire.Place(account, region)][namespace])
}

func (s *Store) add(place, namespace string, data []Datum) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Set(place, namespace, append(slices.Clone(s.Places[place][namespace]), data...))
}

// of returns the values of metrics that match; an empty namespace or name is any.
func (s *Store) of(place string, wanted func(Datum) bool) []Datum {
	var found []Datum
	for _, data := range s.All(place) {
		for _, d := range data {
			if wanted(d) {
				found = append(found, d)
			}
		}
	}
	return found
}

func sorted(dimensions []Dimension) []Dimension {
	dimensions = slices.Clone(dimensions)
	slices.SortFunc(dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return dimensions
}
