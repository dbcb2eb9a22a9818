package main

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// span is a stack's operation from and to some seconds after noon.
func span(stack string, from, to float64) cloudformation.Span {
	return cloudformation.Span{Stack: stack, Begin: after(from), End: after(to), Status: "CREATE_COMPLETE"}
}

func after(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func TestTheLowerBoundIsTheLongestChainOfStacks(t *testing.T) {
	list := []assembly.Stack{
		{ID: "a", Name: "A"},
		{ID: "b", Name: "B", After: []string{"a", "assets of b"}},
		{ID: "c", Name: "C", After: []string{"a"}},
		{ID: "d", Name: "D", After: []string{"b", "c"}},
		{ID: "e", Name: "E"},
	}
	spans := []cloudformation.Span{span("A", 0, 1), span("B", 5, 7), span("C", 5, 8), span("D", 20, 21), span("E", 0, 4)}
	assert.InDelta(t, 5, lowerBound(spans, list, 8), 1e-9, "A, C and D")
	assert.InDelta(t, 11, lowerBound(spans, list, 1), 1e-9, "one after the other")
	assert.InDelta(t, 5.5, lowerBound(spans, list, 2), 1e-9, "two at once cannot be quicker")
	assert.Zero(t, lowerBound(nil, list, 1), "nothing was deployed")
}

func TestALagIsTheTimeBetweenAnEndAndTheLineThatReportsIt(t *testing.T) {
	theirs := trial{spans: []cloudformation.Span{span("One", 0, 10), span("Ten", 2, 12)}}
	theirs.lines = []line{
		{after(9), "One: creating stack..."}, {after(12.5), " ✅  One"}, {after(13), "One.Output = 7"}, {after(13.5), " ✅  Ten (no changes)"},
	}
	seconds, err := lag(theirs, theirEnd)
	require.NoError(t, err)
	assert.InDelta(t, 2, seconds, 1e-9)

	ours := theirs
	ours.lines = []line{
		{after(10), `{"msg":"progress","subject":"One","step":"CREATE_COMPLETE","resource":"One/Own"}`},
		{after(10.5), `{"msg":"progress","subject":"One","step":"finished","text":"created"}`},
		{after(13.5), `{"msg":"progress","subject":"Ten","step":"finished","text":"created"}`},
		{after(14), `{`},
	}
	seconds, err = lag(ours, ourEnd)
	require.NoError(t, err)
	assert.InDelta(t, 1, seconds, 1e-9)

	ours.lines = ours.lines[:2]
	_, err = lag(ours, ourEnd)
	require.EqualError(t, err, "the program reported the end of 1 of 2 stacks")
	_, err = lag(trial{}, ourEnd)
	require.Error(t, err, "nothing is no lag of zero")
}

func TestCallsAreCountedByTheMinuteOfAStack(t *testing.T) {
	assert.InDelta(t, 40, callRate(trial{calls: 60, spans: []cloudformation.Span{span("One", 0, 60), span("Two", 30, 60)}}), 1e-9)
}

func TestTheMemoryOfATreeIsThatOfAllBelow(t *testing.T) {
	all := map[int]member{1: {0, 1}, 10: {1, 100}, 11: {10, 20}, 12: {11, 3}, 20: {1, 5000}, 30: {29, 7}}
	assert.Equal(t, 123, residentOf(10, all))
	assert.Equal(t, 5124, residentOf(1, all), "an orphan is not counted")
	assert.Zero(t, residentOf(99, all), "it has ended")
}

func TestAProcessIsReadWhateverItsName(t *testing.T) {
	m, valid := readStat([]byte("42 (a ) b) S 7 42 42 0 -1 4194304 88 0 0 0 0 0 0 0 20 0 1 0 1000 2000000 321 18446744073709551615 1"))
	assert.True(t, valid)
	assert.Equal(t, member{parent: 7, pages: 321}, m)
	_, valid = readStat([]byte("42 (gone) Z"))
	assert.False(t, valid)
	self := processes()[os.Getpid()]
	assert.Equal(t, os.Getppid(), self.parent)
	assert.Positive(t, self.pages)
	assert.Greater(t, watchMemory(os.Getpid())(), 1.0, "megabytes")
}

func TestAProcessIsWatchedToItsEnd(t *testing.T) {
	p, err := watch(t.Context(), exec.Command("sh", "-c", "echo one; printf tw; echo o >&2"), false)
	require.NoError(t, err)
	assert.Positive(t, p.seconds)
	require.Len(t, p.lines, 2)
	assert.Equal(t, "two", p.lines[1].text)
	assert.False(t, p.lines[1].at.Before(p.lines[0].at))

	_, err = watch(t.Context(), exec.Command("sh", "-c", "echo out of paper; exit 3"), false)
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit))
	assert.ErrorContains(t, err, "out of paper")
}

func TestAResourceTakesAsLongAsItsNameSays(t *testing.T) {
	assert.Equal(t, 12345*time.Millisecond, asNamed("AWS::SSM::Parameter", "Takes12345Ms9A0B1C2D"))
	assert.Zero(t, asNamed("AWS::CDK::Metadata", "CDKMetadata"))
}
