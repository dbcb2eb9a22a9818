package progress

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/report/screen/screentest"
)

// board makes a board on a terminal that the test can read.
func board(width, height int) (*Board, *screen.Screen, *screentest.Terminal) {
	terminal := screentest.New(width, height)
	s := screen.New(terminal, func() (int, int) { return terminal.Width, terminal.Height }, false)
	return NewBoard(s), s, terminal
}

// resource returns an event as it is read from the log of a deployment.
func resource(stack, status, name, typ string, done, total int) Event {
	return Event{Scope: Stack, Subject: stack, Step: status, Resource: name, Type: typ, Done: done, Total: total}
}

// TestTheLinesOfARun shows a run on terminals of several sizes.
func TestTheLinesOfARun(t *testing.T) {
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := board(100, 30)
		began := time.Now()
		show := func() {
			now := time.Now()
			for _, v := range []view{{width: 120, height: 30}, {width: 60, height: 30}, {width: 24, height: 30}, {width: 80, height: 5}} {
				fmt.Fprintf(&text, "-- %s, %d columns, %d rows --\n%s\n", now.Sub(began), v.width, v.height, strings.Join(v.table(v.fit(b.rows(now))), "\n"))
			}
		}
		b.Begin("validate", 1)
		b.Note("validate", "the configuration is valid")
		time.Sleep(300 * time.Millisecond)
		b.End("validate", Finished, "")
		b.Begin("build", 1)
		b.Note("build", "$ npm ci")
		time.Sleep(8 * time.Second)
		show()
		b.Note("build", "Error (exit code 75), tried again")
		b.Begin("build", 2)
		b.Note("build", "$ npm run build")
		time.Sleep(time.Second)
		show()
		b.End("build", Finished, "")
		b.Begin("deploy-dev", 1)
		b.Report("deploy-dev", Event{Scope: Stage, Subject: "dev", Step: Still, Text: "synthesizing the CDK app in . (10s)"})
		b.Begin("deploy-日本", 1)
		b.Report("deploy-日本", Event{Scope: Stack, Subject: "Data", Step: "preparing"})
		show()
		b.Report("deploy-dev", Event{Scope: Stack, Subject: "Data", Step: "executing", Total: 2})
		b.Report("deploy-dev", resource("Data", "CREATE_IN_PROGRESS", "Data", "AWS::CloudFormation::Stack", 0, 2))
		b.Report("deploy-dev", resource("Data", "CREATE_IN_PROGRESS", "Data/Table/Resource", "AWS::DynamoDB::Table", 0, 2))
		b.Report("deploy-dev", Event{Scope: Asset, Subject: "Code", Step: "uploading"})
		b.Report("deploy-dev", Event{Scope: Stack, Subject: "Net", Step: Finished, Text: "unchanged"})
		b.Report("deploy-dev", Event{Scope: Stack, Subject: "Api", Step: "preparing"})
		time.Sleep(time.Second)
		show()
		b.Report("deploy-dev", resource("Data", "CREATE_COMPLETE", "Data/Table/Resource", "AWS::DynamoDB::Table", 1, 2))
		b.Report("deploy-dev", Event{Scope: Stack, Subject: "Api", Step: Failed, Text: "no"})
		b.End("deploy-日本", Stopped, "stopped")
		b.Wait("approve-prod")
		show()
		b.Report("deploy-dev", Event{Scope: Stack, Subject: "Data", Step: Finished, Text: "created"})
		b.End("deploy-dev", Failed, "Error (exit code 1)")
		b.Stopping()
		b.Next()
		b.Begin("build", 1)
		show()
		v := view{width: 100}
		fmt.Fprintf(&text, "-- last --\n%s\n", strings.Join(v.table(b.last(time.Now())), "\n"))
	})
	golden(t, "run.txt", text.String())
}

func TestTheLinesOfARunFitTheWidthAndHalfTheHeightOfTheTerminal(t *testing.T) {
	for width := 1; width <= 150; width++ {
		b, s, terminal := board(width, 40)
		for i := range 30 {
			stage := fmt.Sprint("deploy-日本語", i)
			b.Begin(stage, 1)
			b.Report(stage, resource("Data日本", "CREATE_IN_PROGRESS", "Data/テーブル/Resource", "AWS::DynamoDB::Table", i, 30))
			if i%2 == 0 {
				b.End(stage, Finished, "")
			}
		}
		stop := b.Watch()
		fmt.Fprintln(s, "text")
		b.mu.Lock()
		lines := b.lines(time.Now())
		b.mu.Unlock()
		require.LessOrEqual(t, len(lines), 19)
		for _, line := range lines {
			require.Less(t, screen.Width(line), width+1, line)
		}
		_, below := terminal.Cursor()
		require.LessOrEqual(t, len(terminal.Lines())+below, len(lines)+(3+width)/width, "a line is wider than %d columns", width)
		stop()
	}
}

func TestARunOnATerminalLeavesItsOutputAndTheLinesOfStagesThatDidNotSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, terminal := board(60, 24)
		stop := b.Watch()
		fmt.Fprintln(s, "▶ build")
		b.Begin("build", 1)
		fmt.Fprint(s, "without an end")
		time.Sleep(time.Second + refresh/2)
		synctest.Wait()
		assert.Equal(t, []string{"▶ build", "⠴ build" + strings.Repeat(" ", 48) + "1.0s"}, terminal.Lines())
		terminal.Width = 30 // takes effect with the next drawing
		fmt.Fprintln(s, ", and its end")
		b.End("build", Finished, "")
		b.Begin("deploy", 1)
		b.Stopping()
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Contains(t, terminal.Text(), "deploy  stopping")
		b.End("deploy", Stopped, "stopped")
		stop()
		fmt.Fprintln(s, "error: stopped")
		text := terminal.Text()
		assert.NotRegexp(t, "(?m)^✔ build", text, "a success is not printed twice")
		assert.Regexp(t, "(?m)^■ deploy  stopped +1.0s\nerror: stopped$", text)
		assert.False(t, terminal.Hidden)
		assert.False(t, terminal.NoWrap)
		assert.Empty(t, terminal.Unknown)
	})
}

func TestAQuestionHasTheTerminalToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, terminal := board(60, 24)
		stop := b.Watch()
		b.Begin("build", 1)
		b.Wait("approve")
		no := errors.New("no")
		err := b.Ask(func() error {
			fmt.Fprint(s, "approve? [y/N] ")
			time.Sleep(3 * time.Second)
			synctest.Wait()
			assert.Equal(t, "approve? [y/N]", terminal.Text())
			fmt.Fprint(terminal, "n\n") // the echo of the answer
			return no
		})
		require.ErrorIs(t, err, no)
		assert.Regexp(t, `^approve\? \[y/N\] n\n. build +3.0s\n‖ approve  waiting for approval +3.0s$`, terminal.Text())
		b.End("build", Finished, "")
		b.End("approve", Failed, "not approved")
		stop()
		assert.Regexp(t, `^approve\? \[y/N\] n\n✖ approve  not approved +3.0s$`, terminal.Text())
	})
}
