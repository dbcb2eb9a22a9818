package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
)

// office is a window of working hours in Berlin.
var office = config.Window{Days: []string{"mon-thu"}, From: "09:00", To: "16:00", Timezone: "Europe/Berlin"}

func at(t require.TestingT, text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return parsed
}

// windowed evaluates the gate of windows.
func windowed(now time.Time, windows ...config.Window) gate.Outcome {
	return gate.Evaluate(gate.Known{Now: now, Environment: config.Environment{Name: "prod", Windows: windows}})[0]
}

func TestADeploymentWaitsForTheNextWindow(t *testing.T) {
	for name, c := range map[string]struct{ now, until string }{
		"at its first minute":          {"2026-11-30T09:00:00+01:00", ""},
		"in its last second":           {"2026-11-30T15:59:59+01:00", ""},
		"once it has ended":            {"2026-11-30T16:00:00+01:00", "2026-12-01T09:00:00+01:00"},
		"on a Friday":                  {"2026-11-27T12:00:00+01:00", "2026-11-30T09:00:00+01:00"},
		"a second before":              {"2026-11-30T08:59:59+01:00", "2026-11-30T09:00:00+01:00"},
		"over the change to summer":    {"2027-03-27T12:00:00+01:00", "2027-03-29T09:00:00+02:00"},
		"over the change to winter":    {"2026-10-24T12:00:00+02:00", "2026-10-26T09:00:00+01:00"},
		"by the clock of another zone": {"2026-11-30T16:30:00+09:00", "2026-11-30T09:00:00+01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := windowed(at(t, c.now), office)
			if c.until == "" {
				assert.Equal(t, gate.Open, outcome.State, outcome.Reason)
				return
			}
			assert.Equal(t, gate.Waiting, outcome.State)
			assert.True(t, at(t, c.until).Equal(outcome.Until), outcome.Until)
		})
	}
}

func TestAWindowMayEndOnTheNextDay(t *testing.T) {
	night := config.Window{Days: []string{"fri"}, From: "22:00", To: "04:00", Timezone: "UTC"}
	for now, open := range map[string]bool{
		"2026-11-27T22:00:00Z": true, "2026-11-28T03:59:00Z": true, "2026-11-28T04:00:00Z": false, "2026-11-28T22:00:00Z": false, "2026-11-27T03:00:00Z": false,
	} {
		assert.Equal(t, open, windowed(at(t, now), night).State == gate.Open, now)
	}
	weekend := config.Window{Days: []string{"fri-mon"}, From: "00:00", To: "24:00", Timezone: "UTC"}
	assert.Equal(t, gate.Open, windowed(at(t, "2026-11-30T23:59:59Z"), weekend).State)
	assert.Equal(t, "2026-12-04T00:00:00Z", windowed(at(t, "2026-12-01T00:00:00Z"), weekend).Until.UTC().Format(time.RFC3339))
}

// TestATimeThatTheClocksSkipOrRepeatCountsAsAClockShowsIt: at 02:00 in Berlin clocks go on to
// 03:00 in March, and at 03:00 back to 02:00 in October.
func TestATimeThatTheClocksSkipOrRepeatCountsAsAClockShowsIt(t *testing.T) {
	skipped := config.Window{Days: []string{"sun"}, From: "02:00", To: "02:30", Timezone: "Europe/Berlin"}
	assert.Equal(t, "2027-04-04T00:00:00Z", windowed(at(t, "2027-03-28T00:00:00Z"), skipped).Until.UTC().Format(time.RFC3339), "a week later")
	assert.Equal(t, gate.Open, windowed(at(t, "2026-10-25T00:10:00Z"), skipped).State)
	assert.Equal(t, "2026-10-25T01:00:00Z", windowed(at(t, "2026-10-25T00:30:00Z"), skipped).Until.UTC().Format(time.RFC3339), "an hour later it is 02:00 once more")
}

// TestWindowsAreOpenWhenAClockOnTheWallSaysSo compares with a clock that reads the text of
// the time, and the time to the next opening with one that tries the changes of windows.
func TestWindowsAreOpenWhenAClockOnTheWallSaysSo(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		var windows []config.Window
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			w := config.Window{
				From: drawClock(t, "from"), To: drawClock(t, "to"), Timezone: rapid.SampledFrom(zones).Draw(t, "zone"),
				Days: rapid.SliceOfN(rapid.SampledFrom(weekdays), 0, 3).Draw(t, "days"),
			}
			if w.From == w.To {
				w.To = "24:00"
			}
			windows = append(windows, w)
		}
		now := time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "now"), 0) // of two years
		outcome := windowed(now, windows...)
		require.Equal(t, onTheWall(windows, now), outcome.State == gate.Open, outcome.Reason)
		switch outcome.State {
		case gate.Waiting:
			require.True(t, onTheWall(windows, outcome.Until), "it opens then")
			for _, instant := range []time.Time{outcome.Until.Add(-time.Second), now.Add(outcome.Until.Sub(now) / 2), now.Add(outcome.Until.Sub(now) / 3)} {
				if instant.After(now) {
					require.False(t, onTheWall(windows, instant), "and not before: %s", instant)
				}
			}
		case gate.Closed: // a window that the clocks always skip, say
			for hour := range 24 * 14 {
				require.False(t, onTheWall(windows, now.Add(time.Duration(hour)*time.Hour)))
			}
		}
	})
}

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func drawClock(t *rapid.T, name string) string {
	return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, name), rapid.SampledFrom([]int{0, 15, 30, 59}).Draw(t, name))
}

// onTheWall reads the text that a clock shows: texts of times compare as times do.
func onTheWall(windows []config.Window, now time.Time) bool {
	for _, w := range windows {
		zone, err := time.LoadLocation(w.Timezone)
		if err != nil {
			return false
		}
		today, clock, _ := strings.Cut(strings.ToLower(now.In(zone).Format("Mon 15:04")), " ")
		yesterday := weekdays[(len(weekdays)-1+indexOf(today))%len(weekdays)]
		on := func(day string) bool { return len(w.Days) == 0 || strings.Contains(strings.Join(w.Days, " "), day) }
		overnight := w.To < w.From
		switch {
		case !overnight && on(today) && w.From <= clock && clock < w.To,
			overnight && on(today) && w.From <= clock,
			overnight && on(yesterday) && clock < w.To:
			return true
		}
	}
	return false
}

func indexOf(day string) int {
	for i, one := range weekdays {
		if one == day {
			return i
		}
	}
	return -1
}
