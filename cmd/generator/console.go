package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/progress"
)

// console shows a run while it happens: one line for what a stage says, with
// the step in front of it; or one JSON record, with the step in it.
type console struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
	json  bool
	width int // of the longest step name
}

func newConsole(w io.Writer) *console {
	file, ok := w.(*os.File)
	return &console{w: w, color: ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// Styles of text on a terminal (ECMA-48 "select graphic rendition").
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (c *console) style(style, text string) string {
	if !c.color || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (c *console) printf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.w, format, args...)
}

// notef tells something about the run as a whole, to people only.
func (c *console) notef(format string, args ...any) {
	if !c.json {
		c.printf(format, args...)
	}
}

// emit writes a JSON record.
func (c *console) emit(record map[string]any) {
	data, err := json.Marshal(record)
	if err == nil {
		c.printf("%s\n", data)
	}
}

// observe prints what happens to the steps.
func (c *console) observe(e localrun.Event) {
	if c.json {
		c.emit(map[string]any{
			"time": time.Now().UTC(), "level": "INFO", "msg": "step " + string(e.Kind), "step": e.Step,
			"attempt": e.Attempt, "status": e.Result.Status, "reason": or(e.Message, e.Result.Message),
		})
		return
	}
	name := fmt.Sprintf("%-*s", c.width, e.Step)
	switch e.Kind {
	case localrun.Started:
		c.printf("%s %s\n", c.style(bold, "▶ "+name), again(e.Attempt))
	case localrun.Waiting:
		c.printf("%s waits for approval\n", c.style(yellow, "‖ "+name))
	case localrun.Retrying:
		c.printf("%s %s, tried again\n", c.style(yellow, "↻ "+name), e.Message)
	case localrun.Finished:
		c.printf("%s %s\n", c.style(styleOf(e.Result.Status), mark(e.Result.Status)+" "+name), outcome(e.Result))
	}
}

// handedOver tells that another run goes on.
func (c *console) handedOver(run, next string) {
	if c.json {
		c.emit(map[string]any{"time": time.Now().UTC(), "level": "INFO", "msg": "run handed over", "run": run, "next": next})
		return
	}
	c.printf("\n%s\n  goes on in place of %s, by the pipeline that the commit declares\n", c.style(bold, "Run "+next), run)
}

func again(attempt int) string {
	if attempt < 2 {
		return ""
	}
	return fmt.Sprintf("attempt %d", attempt)
}

func outcome(step localrun.StepResult) string {
	took := seconds(step.Ended.Sub(step.Started))
	if step.Status == localrun.Succeeded {
		return took
	}
	word, why := strings.ToLower(string(step.Status)), step.Message
	if rest, again := strings.CutPrefix(why, word); again { // "stopped: stopped before another attempt"
		return fmt.Sprintf("%s after %s%s", word, took, rest)
	}
	return fmt.Sprintf("%s after %s: %s", word, took, why)
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

func mark(status localrun.Status) string {
	switch status {
	case localrun.Succeeded:
		return "✔"
	case localrun.Failed, localrun.Errored:
		return "✖"
	case localrun.Stopped:
		return "■"
	default:
		return "·"
	}
}

func styleOf(status localrun.Status) string {
	switch status {
	case localrun.Succeeded:
		return green
	case localrun.Failed, localrun.Errored:
		return red
	case localrun.Stopped:
		return yellow
	default:
		return dim
	}
}

// opener gives the function that opens the log of a step, a file in dir: every line goes to its file as it is, and to
// the console in a form for people.
func (c *console) opener(dir string) func(step string) (io.WriteCloser, error) {
	return func(step string) (io.WriteCloser, error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		file, err := os.Create(filepath.Join(dir, step+".log"))
		if err != nil {
			return nil, err
		}
		return &stepLog{console: c, step: step, file: file}, nil
	}
}

type stepLog struct {
	console *console
	step    string
	file    *os.File
	rest    []byte
}

// Write shows the complete lines. It is called by one goroutine only.
func (l *stepLog) Write(p []byte) (int, error) {
	if _, err := l.file.Write(p); err != nil {
		return 0, err
	}
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.console.line(l.step, line)
		l.rest = append([]byte(nil), rest...)
	}
}

// Close shows an incomplete last line.
func (l *stepLog) Close() error {
	if len(l.rest) > 0 {
		l.console.line(l.step, l.rest)
	}
	return l.file.Close()
}

// line shows one line of a stage: a record of its JSON log, or plain text.
func (c *console) line(step string, line []byte) {
	text := string(line)
	var record map[string]any
	isRecord := json.Unmarshal(line, &record) == nil && record["msg"] != nil
	switch {
	case c.json && !isRecord:
		c.emit(map[string]any{"time": time.Now().UTC(), "level": "INFO", "msg": text, "step": step})
		return
	case c.json:
		record["step"] = step
		c.emit(record)
		return
	case isRecord:
		text = c.record(record)
	}
	if record["msg"] == "progress" {
		var event progress.Event
		if json.Unmarshal(line, &event) == nil {
			text = progress.Line(event)
		}
	}
	c.printf("%s %s\n", c.style(dim, fmt.Sprintf("  %-*s │", c.width, step)), text)
}

// record words a record of a JSON log for people: its message, then what it
// says beside. Output of commands stays as it is.
func (c *console) record(record map[string]any) string {
	message := fmt.Sprint(record["msg"])
	if record["source"] == "command" {
		return c.style(dim, message)
	}
	var details []string
	for key, value := range record {
		if key != "time" && key != "level" && key != "msg" && key != "kind" && value != "" {
			details = append(details, key+"="+plain(value))
		}
	}
	sort.Strings(details)
	message = strings.TrimSpace(message + "  " + c.style(dim, strings.Join(details, " ")))
	switch record["level"] {
	case "ERROR":
		return c.style(red, "error: ") + message
	case "WARN":
		return c.style(yellow, "warning: ") + message
	}
	return message
}

func plain(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(data)
}
