package progress

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/report/screen/screentest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares lines with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// deployment is a script of a deployment of five stacks, second by second.
func deployment() (*state, func(second int)) {
	s := newState()
	s.stacks = []string{"DatabaseStack", "ApiStack", "EdgeStack", "AVeryLongStackNameThatNobodyWouldWrite", "Late"}
	for name, last := range map[string]float64{"DatabaseStack": 312, "ApiStack": 72.3} {
		s.of(Stack, name).last = last
	}
	s.of(Stack, "EdgeStack").assets = map[string]bool{"Site": false, "Code": false, "template": false}
	resource := func(stack, id, typ, status, doing string) Event {
		return Event{Scope: Stack, Subject: stack, Step: status, Resource: stack + "/" + id, Type: typ, ID: id, Counts: true, Doing: doing}
	}
	script := []struct {
		second int
		event  Event
	}{
		{0, Event{Scope: Stage, Subject: "dev", Step: "x", Doing: "synthesizing the CDK app in ."}},
		{12, Event{Scope: Stack, Subject: "DatabaseStack", Step: "comparing", Doing: "comparing it with what is deployed"}},
		{13, Event{Scope: Stack, Subject: "ApiStack", Step: "executing", Total: 14, Doing: "beginning the change"}},
		{13, Event{Scope: Stack, Subject: "EdgeStack", Step: "preparing", Doing: Publishing}},
		{14, Event{Scope: Asset, Subject: "Code", Step: "found"}},
		{14, Event{Scope: Asset, Subject: "Site", Step: "uploading", Doing: "uploading Site"}},
		{15, Event{Scope: Stack, Subject: "DatabaseStack", Step: Finished, Text: "unchanged"}},
		{16, resource("ApiStack", "Role", "AWS::IAM::Role", "CREATE_IN_PROGRESS", "creating AWS::IAM::Role Role")},
		{17, resource("ApiStack", "Handler", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", "creating AWS::Lambda::Function Handler")},
		{18, resource("ApiStack", "Role", "AWS::IAM::Role", "CREATE_COMPLETE", "")},
		{19, Event{Scope: Stack, Subject: "AVeryLongStackNameThatNobodyWouldWrite", Step: "comparing", Doing: "comparing it with what is deployed"}},
		{40, Event{Scope: Asset, Subject: "Site", Step: "published"}},
		{45, Event{Scope: Stack, Subject: "ApiStack", Step: Failed, Text: "stack \"ApiStack\": Handler (AWS::Lambda::Function, ApiStack/Handler) failed: the role defined for the function cannot be assumed by Lambda"}},
		{50, Event{Scope: Stack, Subject: "EdgeStack", Step: Finished, Text: "created"}},
		{55, Event{Scope: Stack, Subject: "AVeryLongStackNameThatNobodyWouldWrite", Step: Finished, Text: "updated"}},
		{55, Event{Scope: Stack, Subject: "Late", Step: Skipped, Text: "not deployed because of ApiStack"}},
	}
	at := 0
	return s, func(second int) {
		for ; at < len(script) && script[at].second <= second; at++ {
			now := epoch.Add(time.Duration(script[at].second) * time.Second)
			s.apply(script[at].event, now)
			if script[at].second == 12 {
				s.busy(Stage, "dev", "", now)
			}
		}
	}
}

func TestTheLinesOfADeployment(t *testing.T) {
	s, play := deployment()
	var b strings.Builder
	for _, second := range []int{7, 14, 20, 47} {
		play(second)
		now := epoch.Add(time.Duration(second) * time.Second)
		for _, v := range []view{{width: 120, height: 30}, {width: 80, height: 30}, {width: 44, height: 30}, {width: 80, height: 4}} {
			fmt.Fprintf(&b, "-- %d s, %d columns, %d rows --\n%s\n", second, v.width, v.height, strings.Join(v.lines(s, now), "\n"))
		}
	}
	play(60)
	v := view{width: 100}
	fmt.Fprintf(&b, "-- what stays --\n%s\n", strings.Join(v.last(s, epoch.Add(time.Minute)), "\n"))
	golden(t, "deployment.txt", b.String())
}

func TestNoLineIsWiderThanTheTerminalAndNoMoreThanItHasRows(t *testing.T) {
	s, play := deployment()
	for second := range 60 {
		play(second)
		for width := 1; width <= 160; width++ {
			v := view{width: width, height: 1 + width%9, color: width%2 == 0}
			lines := v.lines(s, epoch.Add(time.Duration(second)*time.Second))
			require.Less(t, len(lines), max(2, v.height))
			terminal := screentest.New(width, 100)
			for _, line := range lines {
				fmt.Fprintln(terminal, line)
				require.NotContains(t, line, "\n")
			}
			_, below := terminal.Cursor()
			require.LessOrEqual(t, len(terminal.Lines())+below, len(lines), "a line is wider than %d columns: %q", width, lines)
		}
	}
}

func TestColoursAreLeftOutWhereTheyAreOff(t *testing.T) {
	s, play := deployment()
	play(47)
	plain := view{width: 100, height: 30}.lines(s, epoch.Add(time.Minute))
	colored := view{width: 100, height: 30, color: true}.lines(s, epoch.Add(time.Minute))
	assert.NotContains(t, strings.Join(plain, ""), "\x1b")
	assert.Contains(t, strings.Join(colored, ""), screen.Red.Paint("✖"))
	terminal := screentest.New(100, 30)
	fmt.Fprint(terminal, strings.Join(colored, "\n"))
	assert.Equal(t, plain, terminal.Lines(), "colours change nothing but the style")
}

// TestALiveDeploymentLeavesAReadableScreen draws on a terminal in virtual time
// while a command prints and a stack fails.
func TestALiveDeploymentLeavesAReadableScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := screentest.New(100, 20)
		s := screen.New(terminal, func() (int, int) { return 100, 20 }, true)
		reporter := New(Options{Screen: s, Mask: func(text string) string { return strings.ReplaceAll(text, "hunter2", "[redacted]") }})
		reporter.Stacks([]string{"Api", "Data"})
		reporter.Last(map[string]float64{"Api": 72.3})
		stop := reporter.Watch()
		end := reporter.Begin(Stage, "dev", "synthesizing")
		fmt.Fprintln(s, "output of the app")
		time.Sleep(time.Second + refresh/2) // between two drawings
		synctest.Wait()
		assert.Equal(t, []string{"output of the app", "⠴ dev   synthesizing", "· Api   waiting", "· Data  waiting"}, trimmed(terminal.Lines()))
		end()
		reporter.Report(Event{Scope: Stack, Subject: "Api", Step: "executing", Total: 2, Doing: "beginning the change"})
		failed := Event{Time: epoch.Local(), Scope: Stack, Subject: "Api", Step: "CREATE_FAILED", Resource: "Api/Orders", Type: "AWS::SQS::Queue", Text: "no hunter2", ID: "Orders"}
		reporter.Report(failed)
		failed.ID, failed.Text = "Other", "Resource creation cancelled"
		reporter.Report(failed)
		time.Sleep(time.Second)
		fmt.Fprint(s, "a hook says hello\n")
		reporter.Report(Event{Scope: Stack, Subject: "Api", Step: Failed, Text: "no hunter2"})
		stop()
		fmt.Fprintln(s, "error: no")
		assert.Equal(t, []string{
			"output of the app",
			Line(Event{Time: epoch.Local(), Subject: "Api", Step: "CREATE_FAILED", Resource: "Api/Orders", Type: "AWS::SQS::Queue", Text: "no [redacted]"}),
			"a hook says hello",
			"✖ Api  no [redacted]" + strings.Repeat(" ", 53) + "0/2  1.0s  last time 1m12s",
			"error: no",
		}, terminal.Lines())
		assert.False(t, terminal.Hidden)
		assert.Empty(t, terminal.Unknown)
	})
}

// trimmed returns each line up to its first column of numbers.
func trimmed(lines []string) (short []string) {
	for _, line := range lines {
		before, _, _ := strings.Cut(line, "    ")
		short = append(short, strings.TrimRight(before, " "))
	}
	return short
}
