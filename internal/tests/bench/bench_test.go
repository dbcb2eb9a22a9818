package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scripted is a side that costs what the list says, and writes its name into the journal.
func scripted(journal *[]string, name string, costs ...float64) side {
	return func(context.Context) (float64, error) {
		*journal = append(*journal, name)
		cost := costs[0]
		costs = costs[1:]
		return cost, nil
	}
}

func TestAPairIsMeasuredByTurnsAndTheFirstRunOnlyWarmsUp(t *testing.T) {
	var journal []string
	p := pair{
		Name: "race", Unit: "s",
		Ours:   scripted(&journal, "ours", 99, 1, 3, 2),
		Theirs: scripted(&journal, "theirs", 99, 8, 40, 8),
	}
	r, err := measure(t.Context(), slog.New(slog.DiscardHandler), p, 3)
	require.NoError(t, err)
	assert.Equal(t, result{Name: "race", Ours: 2, Theirs: 8, Ratio: 0.25, Unit: "s"}, r)
	assert.Equal(t, []string{"ours", "theirs", "ours", "theirs", "ours", "theirs", "ours", "theirs"}, journal)
}

func TestAFailedRunIsNoResult(t *testing.T) {
	broken := func(context.Context) (float64, error) { return 0, errors.New("out of paper") }
	_, err := measure(t.Context(), slog.New(slog.DiscardHandler), pair{Name: "race", Ours: constant(1), Theirs: broken}, 1)
	assert.EqualError(t, err, "their side of race: out of paper")
}

func TestTheMedianIsInTheMiddle(t *testing.T) {
	assert.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 3, 2}), 0)
}

func TestTheTableShowsTheLimits(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, table(&out, []result{
		{Name: "kept", Ours: 0.661, Theirs: 6.12, Ratio: 0.108, Unit: "s", limit: 0.25},
		{Name: "missed", Ours: 45.2, Theirs: 30, Ratio: 1.507, Unit: "ms", limit: 1},
		{Name: "free", Ours: 123456, Theirs: 2, Ratio: 61728, Unit: "kB"},
		{Name: "near", Ours: 5.5, Theirs: 11, Ratio: 0.5, Unit: "s", LowerBound: 5, limit: 0.5},
		{Name: "soon", Ours: 0.9, Theirs: 3, Ratio: 0.3, Unit: "s", most: 1},
		{Name: "late", Ours: 1.1, Theirs: 3, Ratio: 0.37, Unit: "s", most: 1},
	}))
	assert.Regexp(t, `kept +0\.661 +6\.12 +s +0\.11 +≤ 0\.25 kept`, out.String())
	assert.Regexp(t, `missed +45\.2 +30\.0 +ms +1\.51 +≤ 1\.00 EXCEEDED`, out.String())
	assert.Regexp(t, `free +123456 +2\.00 +kB +61728\.00 +- +-`, out.String())
	assert.Regexp(t, `near +5\.50 +11\.0 +s +0\.50 +≤ 0\.50 kept +5\.00 × 1\.10`, out.String())
	assert.Regexp(t, `soon +0\.900 +3\.00 +s +0\.30 +ours ≤ 1\.00 s kept +-`, out.String())
	assert.Regexp(t, `late +1\.10 +3\.00 +s +0\.37 +ours ≤ 1\.00 s EXCEEDED +-`, out.String())
}

func TestTheFileHoldsWhatMachinesRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	require.NoError(t, write(file, []result{{Name: "synth", Ours: 1, Theirs: 4, Ratio: 0.25, Unit: "s", limit: 0.25}}))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.JSONEq(t, `[{"name": "synth", "ours": 1, "theirs": 4, "ratio": 0.25, "unit": "s"}]`, string(text))
}

func TestAStartEndsWithTheFirstRecordOfTheLog(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	begins := "#!/bin/sh\necho '{\"msg\":\"started\"}' >&2\nexec sleep 60\n"
	require.NoError(t, os.WriteFile(program, []byte(begins), 0o755))
	took, err := firstLine(t.Context(), program, nil)
	require.NoError(t, err)
	assert.Positive(t, took)

	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho 'error: unknown flag' >&2\nexit 2\n"), 0o755))
	_, err = firstLine(t.Context(), program, nil)
	assert.ErrorContains(t, err, "did not begin to work: error: unknown flag")
}

func TestABenchThatDoesNotExistIsRefused(t *testing.T) {
	_, err := options{only: "synth,sprint"}.benches()
	assert.EqualError(t, err, `there is no bench "sprint"`)
	chosen, err := options{only: "start"}.benches()
	require.NoError(t, err)
	require.Len(t, chosen, 1)
	assert.Equal(t, "start", chosen[0].name)

	chosen, err = options{only: "memory,deploy-40,lag"}.benches()
	require.NoError(t, err)
	require.Len(t, chosen, 2, "what is measured together is measured once")
	assert.Equal(t, "deploy-40", chosen[0].name)
	assert.Equal(t, "lag", chosen[1].name)
}

func TestSynthesesOfManyEnvironmentsTakeTurns(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3} {
		assert.Equal(t, want, syntheses(n, 2), n)
	}
	assert.Equal(t, 6, syntheses(6, 1))
	assert.Equal(t, 1, syntheses(6, 8))
}

func TestTheLinesOfAnotherBenchAreReadWithWhatWasPromised(t *testing.T) {
	lines := `{"name":"checkout","ours":1,"theirs":2,"ratio":0.5,"unit":"s"}
{"name":"checkout against the moon","ours":1,"theirs":2,"ratio":0.5,"unit":"s"}
`
	results, err := readResults(strings.NewReader(lines))
	require.NoError(t, err)
	assert.Equal(t, []result{
		{Name: "checkout", Ours: 1, Theirs: 2, Ratio: 0.5, Unit: "s", limit: 1.2},
		{Name: "checkout against the moon", Ours: 1, Theirs: 2, Ratio: 0.5, Unit: "s"},
	}, results)

	_, err = readResults(strings.NewReader("panic: no git\n"))
	require.Error(t, err)
	_, err = readResults(strings.NewReader(""))
	require.EqualError(t, err, "nothing was measured")
}
