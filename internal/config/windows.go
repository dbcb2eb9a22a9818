package config

import (
	"fmt"
	"time"
)

// Window is a part of each of some days in which deployments may begin, by the clock of a
// time zone.
type Window struct {
	// The days of the week on which it begins, or ranges of them. Without any it is every day.
	Days []string `json:"days,omitempty" rule:"weekdays" example:"[mon-thu, sat]"`

	// The time at which it begins.
	From string `json:"from,omitempty" default:"00:00" rule:"clock" example:"\"09:00\""`

	// The time at which it ends: on the next day if it is before `from`, and at midnight if
	// it is `24:00`.
	To string `json:"to,omitempty" default:"24:00" rule:"clock" example:"\"16:00\""`

	// The time zone of `days`, `from` and `to`. A time that the clocks skip or repeat counts as
	// a clock on the wall shows it.
	Timezone string `json:"timezone,omitempty" default:"UTC" rule:"timezone" example:"Europe/Berlin"`
}

// Freeze is a time in which no deployment begins.
type Freeze struct {
	// The date at whose first minute it begins, or a date and a time.
	From string `json:"from" need:"always" rule:"moment" example:"\"2026-12-18T18:00\""`

	// The date at whose first minute it ends, or a date and a time.
	Until string `json:"until" need:"always" rule:"moment" example:"\"2027-01-04\""`

	// Why, for those whose deployment waits.
	Why string `json:"why" need:"always" rule:"line" example:"the year ends"`

	// The time zone of `from` and `until`.
	Timezone string `json:"timezone,omitempty" default:"UTC" rule:"timezone" example:"Europe/Berlin"`
}

var timeRules = map[string]rule{
	"weekdays": {
		expect:  "a day of the week (mon, tue, wed, thu, fri, sat, sun) or a range of them, such as mon-thu",
		pattern: `^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$`,
	},
	"clock": {
		expect:  "a time of the day from 00:00 to 24:00, such as 09:30",
		pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`,
	},
	"moment": {
		expect:  "a date such as 2026-12-18, or a date and a time such as 2026-12-18T18:00",
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3]):[0-5][0-9])?$`,
		check:   momentProblem,
	},
	"line": {
		expect:  "a line of text, at most 300 characters",
		pattern: `^[^\x00-\x1f\x7f]+$`,
		most:    300,
	},
}

// Waits reports whether a run may wait for a time before it deploys to the environment.
func (e Environment) Waits() bool { return len(e.Windows)+len(e.Freezes) > 0 }

// moments are the formats of the times of a freeze: a date, and a date with a time.
var moments = []string{time.DateOnly, "2006-01-02T15:04"}

// Moment returns the time that a text of a freeze means in a time zone.
func Moment(text string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation(moments[0], text, zone)
	if err != nil {
		at, err = time.ParseInLocation(moments[1], text, zone)
	}
	return at, err
}

func momentProblem(text string) string {
	if _, err := Moment(text, time.UTC); err != nil {
		return "is no date"
	}
	return ""
}

// checkTimes refuses windows and freezes that contain no time.
func checkTimes(r *report, env Environment, path string) {
	for i, w := range env.Windows {
		if w.From == w.To && holds("clock", w.From) {
			r.atPath(fmt.Sprintf("%s.windows[%d].to", path, i), "the window ends when it begins, at %s", w.From).
				Hint = `for a whole day write from: "00:00" and to: "24:00", or leave both out`
		}
		if w.From == "24:00" {
			r.atPath(fmt.Sprintf("%s.windows[%d].from", path, i), "a window begins at 00:00 of the next day, not at 24:00").Hint = `write from: "00:00"`
		}
	}
	for i, f := range env.Freezes {
		if !holds("moment", f.From) || !holds("moment", f.Until) || !holds("timezone", f.Timezone) {
			continue // the rules of the keys report it
		}
		zone, _ := time.LoadLocation(f.Timezone)
		from, _ := Moment(f.From, zone)
		until, _ := Moment(f.Until, zone)
		if !from.Before(until) {
			r.atPath(fmt.Sprintf("%s.freezes[%d].until", path, i), "the freeze ends at %s, which is not after its beginning at %s", f.Until, f.From).
				Hint = "a date alone means its first minute"
		}
	}
}
