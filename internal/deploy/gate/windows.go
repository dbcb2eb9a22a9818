package gate

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// windows is the gate of the windows of an environment. They are in its configuration alone.
type windows struct{}

func (windows) Name() Name { return Windows }

func (windows) Declared(k Known) bool { return k.Plan == nil && len(k.Environment.Windows) > 0 }

// Evaluate looks for a window that has the present minute. Seconds do not matter: windows
// begin and end with minutes, as zones change their offsets.
func (windows) Evaluate(k Known) Outcome {
	within, err := compile(k.Environment.Windows)
	if err != nil { // validation refuses it
		return Outcome{State: Closed, Reason: "its windows cannot be read: " + err.Error()}
	}
	if at := slices.IndexFunc(within, func(w window) bool { return w.has(k.Now) }); at >= 0 {
		return Outcome{State: Open, Reason: "it is " + shown(k.Now, within[at].zone) + ", within " + describe(k.Environment.Windows[at])}
	}
	next, zone, found := nextOf(within, k.Now)
	if !found {
		return Outcome{State: Closed, Reason: "it has no window that opens"}
	}
	return Outcome{State: Waiting, Until: next, Reason: "it is outside of its windows until " + shown(next, zone)}
}

// window is a window that can be compared with times.
type window struct {
	days     [7]bool // by the time.Weekday on which it begins
	from, to int     // minutes since midnight; to is after from, also if that is on the next day
	zone     *time.Location
}

const dayMinutes = 24 * 60

func compile(all []config.Window) (compiled []window, err error) {
	for _, one := range all {
		w := window{from: minutes(one.From), to: minutes(one.To)}
		if w.to <= w.from {
			w.to += dayMinutes
		}
		if w.zone, err = time.LoadLocation(one.Timezone); err != nil {
			return nil, err
		}
		for day := range w.days {
			w.days[day] = len(one.Days) == 0
		}
		for _, text := range one.Days {
			first, last, isRange := strings.Cut(text, "-")
			if !isRange {
				last = first
			}
			for day := weekday(first); ; day = (day + 1) % 7 {
				w.days[day] = true
				if day == weekday(last) {
					break
				}
			}
		}
		compiled = append(compiled, w)
	}
	return compiled, nil
}

// weekday returns the day of the week that a text of the configuration names.
func weekday(text string) int {
	return slices.IndexFunc([]time.Weekday{0, 1, 2, 3, 4, 5, 6}, func(d time.Weekday) bool { return strings.EqualFold(d.String()[:3], text) })
}

// minutes returns the minutes since midnight of a time such as 09:30.
func minutes(text string) int {
	hours, rest, _ := strings.Cut(text, ":")
	h, _ := strconv.Atoi(hours) // the rule of the key
	m, _ := strconv.Atoi(rest)
	return 60*h + m
}

// has reports whether a clock on the wall of the zone shows a time within the window.
func (w window) has(at time.Time) bool {
	wall := at.In(w.zone)
	minute, today := 60*wall.Hour()+wall.Minute(), int(wall.Weekday())
	if w.days[today] && minute >= w.from && minute < w.to {
		return true
	}
	minute += dayMinutes // of the day before
	return w.days[(today+6)%7] && minute >= w.from && minute < w.to
}

// horizon is how far a next window is looked for. A window of one day each week comes after
// two weeks if the clocks skip it once.
const horizon = 15 * dayMinutes

// nextOf returns the first minute after a time that a window has, and the zone of this
// window. Trying each minute is right whatever clocks do, and takes a millisecond.
func nextOf(all []window, after time.Time) (at time.Time, zone *time.Location, found bool) {
	at = after.Truncate(time.Minute)
	for range horizon {
		at = at.Add(time.Minute)
		for _, w := range all {
			if w.has(at) {
				return at, w.zone, true
			}
		}
	}
	return time.Time{}, nil, false
}

func describe(w config.Window) string {
	days := "every day"
	if len(w.Days) > 0 {
		days = strings.Join(w.Days, ", ")
	}
	return days + " " + w.From + " to " + w.To + " " + w.Timezone
}

// shown writes a time for people, such as Mon 30 Nov 2026 09:00 CET.
func shown(at time.Time, zone *time.Location) string {
	return at.In(zone).Format("Mon 2 Jan 2006 15:04 MST")
}
