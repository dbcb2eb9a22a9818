package stage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// TestASecretIsMaskedBeforeItIsEncodedOrCut is T20: a secret with characters that
// encodings escape, and one on the cut of a line of 64 KiB.
func TestASecretIsMaskedBeforeItIsEncodedOrCut(t *testing.T) {
	const secret = "a\"b<c>&d\\e'f"
	careless := run(program(func(f stage.Frame, _ input) (output, error) {
		f.Log.Info("value "+secret, "value", secret)
		fmt.Fprintln(f.Out, secret)
		return output{}, nil
	}), "--commit", "0123")
	assert.Contains(t, careless.stderr, `a\"b<c>&d\\e'f`, "a stage that does not hold the secret shows it")
	assert.NotContains(t, careless.stderr, "[redacted]")

	t.Setenv("SOME_TOKEN", secret)
	for _, format := range []string{"text", "json"} {
		for shift := range 14 {
			p := program(func(f stage.Frame, _ input) (output, error) {
				f.Log.Info("value "+secret, "value", secret, "error", errors.New("bad "+secret), "list", []string{secret})
				f.Log.With("with", secret).WithGroup("group").Info("grouped", "value", secret)
				line := strings.Repeat("-", 64<<10-shift) + secret + strings.Repeat("-", 20<<10) + "\n"
				for rest := line; rest != ""; rest = rest[min(len(rest), 4096):] {
					_, _ = io.WriteString(f.Out, rest[:min(len(rest), 4096)])
				}
				return output{}, nil
			})
			got := run(p, "--commit", "0123", "--log-format", format)
			for _, part := range []string{`a"b`, `a\"b`, `d\e`, `d\\e`, `b<c`, `b\u003cc`, "e'f"} {
				require.False(t, strings.Contains(got.stderr, part), "%s, shift %d: %s", format, shift, part)
			}
			require.Equal(t, 7, strings.Count(got.stderr, "[redacted]"), "%s, shift %d", format, shift)
		}
	}
}

// TestNothingThatAChildPrintsIsObeyedByATerminal is T27.
func TestNothingThatAChildPrintsIsObeyedByATerminal(t *testing.T) {
	const hostile = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\x7f\x9b evil"
	obeyed := []string{"\x1b", "\u009b", "\u202e", "\x7f", "\r"}
	p := program(func(f stage.Frame, _ input) (output, error) {
		fmt.Fprintln(f.Out, hostile)
		fmt.Fprintln(f.Out, "12%\r✔ deployed")
		f.Log.Info(hostile, "branch", hostile, "construct", []string{hostile})
		return output{Artifact: hostile}, nil
	})
	var raw bytes.Buffer
	require.NoError(t, proc.Runner{}.Run(t.Context(), command.Command{Args: []string{"printf", "%s12%%\r" + "✔ deployed", hostile}, Stdout: &raw}))
	for _, control := range obeyed {
		assert.Contains(t, raw.String(), control, "what the child prints reaches who reads it as it is")
	}
	for _, format := range []string{"text", "json"} {
		got := run(p, "--commit", "0123", "--log-format", format)
		for _, shown := range []string{got.stderr, got.stdout} {
			for _, control := range obeyed {
				assert.NotContains(t, shown, control)
			}
			assert.Contains(t, shown, "1b]0;owned")
		}
	}
}

// TestAStrayKeyOfAChildHidesNothingOfOurs is T20.
func TestAStrayKeyOfAChildHidesNothingOfOurs(t *testing.T) {
	p := program(func(f stage.Frame, _ input) (output, error) {
		fmt.Fprintln(f.Out, "-----BEGIN RSA PRIVATE"+" KEY-----")
		f.Log.Info("ours")
		fmt.Fprintln(f.Out, "of another child")
		return output{}, errors.New("the cause")
	})
	for _, format := range []string{"text", "json"} {
		got := run(p, "--commit", "0123", "--log-format", format)
		for _, line := range []string{"ours", "of another child", "the cause"} {
			assert.Contains(t, got.stderr, line, format)
		}
	}

	all := "-----BEGIN RSA PRIVATE" + " KEY-----\nours\nof another child\nthe cause\n"
	untilItsEnd := regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\z)`)
	assert.Empty(t, untilItsEnd.ReplaceAllString(all, ""), "who hides a key until its end hides all that follows")
}
