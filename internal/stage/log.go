package stage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// newLogger returns a logger that writes to w in the requested format: json, text,
// or auto, which is text on a terminal and JSON elsewhere.
//
// Texts are cleaned before they are encoded: an encoding may hide a secret from the
// redactor, or leave controls that a terminal obeys.
func newLogger(w io.Writer, format string, terminal bool, clean func(string) string) (log *slog.Logger, json bool) {
	if format == "json" || (format == "auto" && !terminal) {
		return slog.New(cleaned{slog.NewJSONHandler(w, nil), clean}), true
	}
	noColor := !terminal || os.Getenv("NO_COLOR") != ""
	return slog.New(cleaned{tint.NewTextHandler(w, &tint.Options{TimeFormat: time.TimeOnly, NoColor: noColor}), clean}), false
}

// cleaned cleans the texts of records.
type cleaned struct {
	slog.Handler
	clean func(string) string
}

// Handle passes on a record with clean texts.
func (c cleaned) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, c.clean(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(c.attribute(a))
		return true
	})
	return c.Handler.Handle(ctx, clean)
}

// Unwrap returns the handler that encodes the records.
func (c cleaned) Unwrap() slog.Handler { return c.Handler }

// WithAttrs returns a handler with more attributes, whose texts are clean.
func (c cleaned) WithAttrs(attributes []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, 0, len(attributes))
	for _, a := range attributes {
		clean = append(clean, c.attribute(a))
	}
	return cleaned{c.Handler.WithAttrs(clean), c.clean}
}

// WithGroup returns a handler that puts further attributes into a group.
func (c cleaned) WithGroup(name string) slog.Handler {
	return cleaned{c.Handler.WithGroup(name), c.clean}
}

func (c cleaned) attribute(a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, c.clean(value.String()))
	case slog.KindGroup:
		var clean []slog.Attr
		for _, inner := range value.Group() {
			clean = append(clean, c.attribute(inner))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		switch any := value.Any().(type) {
		case error:
			return slog.String(a.Key, c.clean(any.Error()))
		case fmt.Stringer:
			return slog.String(a.Key, c.clean(any.String()))
		case []string:
			clean := make([]string, 0, len(any))
			for _, text := range any {
				clean = append(clean, c.clean(text))
			}
			return slog.Any(a.Key, clean)
		}
	}
	return slog.Attr{Key: a.Key, Value: value}
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
	if strings.HasSuffix(name, "_FILE") || slices.Contains(secretPlaces, name) {
		return false
	}
	for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "PRIVATE_KEY", "API_KEY"} {
		if strings.Contains(strings.ToUpper(name), word) {
			return true
		}
	}
	return false
}

// secretPlaces are the variables that say where a secret is.
var secretPlaces = []string{contract.EnvPrefix + "_TOKEN_SECRET", contract.EnvPrefix + "_COMMANDS_SECRET"}

func cut(entry string) (name, value string, found bool) { return strings.Cut(entry, "=") }

// lines writes each complete line that a child prints as one log record, so
// that a pod's log stays JSON from the first byte to the last.
type lines struct {
	mu   sync.Mutex
	log  *slog.Logger
	rest []byte
}

// maxLine is the longest line without an end that is kept, in bytes.
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
