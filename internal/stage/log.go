package stage

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// newLogger returns a logger that writes to w in the requested format: json, text,
// or auto, which is text on a terminal and JSON elsewhere.
func newLogger(w io.Writer, format string, terminal bool) (log *slog.Logger, json bool) {
	if format == "json" || (format == "auto" && !terminal) {
		return slog.New(slog.NewJSONHandler(w, nil)), true
	}
	noColor := !terminal || os.Getenv("NO_COLOR") != ""
	return slog.New(tint.NewTextHandler(w, &tint.Options{TimeFormat: time.TimeOnly, NoColor: noColor})), false
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// newRedactor masks the values of environment variables whose names suggest a secret.
func newRedactor() *redact.Redactor {
	r := redact.New()
	for _, entry := range os.Environ() {
		if name, value, _ := cut(entry); secretName(name) {
			r.Add(value)
		}
	}
	return r
}

func secretName(name string) bool {
	if strings.HasSuffix(name, "_FILE") || name == contract.EnvPrefix+"_TOKEN_SECRET" {
		return false // these name the place of a secret, not the secret
	}
	for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "PRIVATE_KEY", "API_KEY"} {
		if strings.Contains(strings.ToUpper(name), word) {
			return true
		}
	}
	return false
}

func cut(entry string) (name, value string, found bool) { return strings.Cut(entry, "=") }

// lines writes each complete line that a child prints as one log record, so
// that a pod's log stays JSON from the first byte to the last.
type lines struct {
	mu   sync.Mutex
	log  *slog.Logger
	rest []byte
}

// maxLine bounds what is kept of a line without an end, in bytes.
const maxLine = 64 << 10

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found && len(l.rest) < maxLine {
			return len(p), nil
		}
		l.log.Info(strings.TrimRight(string(line), "\r"), "source", "command")
		l.rest = append([]byte(nil), rest...)
	}
}

// Close logs an incomplete last line.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.log.Info(string(l.rest), "source", "command")
		l.rest = nil
	}
	return nil
}
