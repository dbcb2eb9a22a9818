package pipelinerun

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// console prints the logs of the stages: as text, prefixed with the step, or as JSON
// records with the step as an attribute.
type console struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
	json  bool
	width int             // of the longest step name
	board *progress.Board // the lines at the bottom of a terminal; nil if there are none
}

// live adds lines that change in place, if there is a terminal and NO_COLOR is not set.
func (c *console) live() {
	if c.json || os.Getenv("NO_COLOR") != "" {
		return
	}
	if terminal := screen.On(c.w); terminal != nil {
		c.w, c.board = terminal, progress.NewBoard(terminal)
	}
}

// watch updates these lines until the returned function is called.
func (c *console) watch(ctx context.Context) (end func()) {
	if c.board == nil {
		return func() {}
	}
	leave := c.board.Watch()
	forget := context.AfterFunc(ctx, c.board.Stopping)
	return func() {
		forget()
		leave()
	}
}

// ask runs question with the terminal to itself.
func (c *console) ask(question func() error) error {
	if c.board == nil {
		return question()
	}
	return c.board.Ask(question)
}

func newConsole(w io.Writer) *console {
	return &console{w: w, color: screen.Terminal(w) != nil && os.Getenv("NO_COLOR") == ""}
}

func (c *console) style(style screen.Style, text string) string {
	if !c.color {
		return text
	}
	return style.Paint(text)
}

func (c *console) printf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(c.inert(), format, args...)
}

// inert returns the writer for names, subjects and outputs, which are others' texts: only
// styles pass, where the console has colours.
func (c *console) inert() io.Writer {
	if c.color {
		return screen.NewStyledWriter(c.w)
	}
	return screen.NewInertWriter(c.w)
}

// notef prints a line about the run, in text format only.
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

// observe prints an event of a step.
func (c *console) observe(e localrun.Event) {
	if c.json {
		c.emit(map[string]any{
			"time": time.Now().UTC(), "level": "INFO", "msg": "step " + string(e.Kind), "step": e.Step,
			"attempt": e.Attempt, "status": e.Result.Status, "reason": cmp.Or(e.Message, e.Result.Message),
		})
		return
	}
	if c.board != nil {
		c.show(e)
	}
	name := fmt.Sprintf("%-*s", c.width, e.Step)
	switch e.Kind {
	case localrun.Started:
		c.printf("%s %s\n", c.style(screen.Bold, "▶ "+name), again(e.Attempt))
	case localrun.Waiting:
		c.printf("%s waiting for approval\n", c.style(screen.Yellow, "‖ "+name))
	case localrun.Retrying:
		c.printf("%s %s, retrying\n", c.style(screen.Yellow, "↻ "+name), e.Message)
	case localrun.Finished:
		c.printf("%s %s\n", c.style(styleOf(e.Result.Status), mark(e.Result.Status)+" "+name), outcome(e.Result))
	}
}

// show updates the line of a step.
func (c *console) show(e localrun.Event) {
	switch e.Kind {
	case localrun.Started:
		c.board.Begin(e.Step, e.Attempt)
	case localrun.Waiting:
		c.board.Wait(e.Step)
	case localrun.Retrying:
		c.board.Note(e.Step, e.Message+", retrying")
	case localrun.Finished:
		outcome := progress.Failed
		switch e.Result.Status {
		case localrun.Succeeded:
			outcome = progress.Finished
		case localrun.Stopped:
			outcome = progress.Stopped
		}
		c.board.End(e.Step, outcome, e.Result.Message)
	}
}

// handedOver reports that another run continues.
func (c *console) handedOver(run, next string) {
	if c.json {
		c.emit(map[string]any{"time": time.Now().UTC(), "level": "INFO", "msg": "run handed over", "run": run, "next": next})
		return
	}
	if c.board != nil {
		c.board.Next()
	}
	c.printf("\n%s\n  continues %s with the pipeline that the commit declares\n", c.style(screen.Bold, "Run "+next), run)
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

func styleOf(status localrun.Status) screen.Style {
	switch status {
	case localrun.Succeeded:
		return screen.Green
	case localrun.Failed, localrun.Errored:
		return screen.Red
	case localrun.Stopped:
		return screen.Yellow
	default:
		return screen.Dim
	}
}

// opener returns the function that opens the log of a step: a file in dir that gets every
// line as it is, while the console prints it formatted.
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
	var event progress.Event
	isEvent := record["msg"] == "progress" && json.Unmarshal(line, &event) == nil
	if isEvent {
		text = progress.Line(event)
	}
	if c.board != nil {
		text = screen.Clean(text)
		switch {
		case isEvent:
			c.board.Report(step, event)
		case isRecord && isDoing(record):
			c.board.Note(step, fmt.Sprint(record["msg"]))
		}
	}
	prefix := c.style(screen.Dim, fmt.Sprintf("  %-*s │", c.width, step))
	if record["source"] == "command" { // a line of its output that a carriage return broke
		text = strings.ReplaceAll(text, "\n", "\n"+prefix+" ")
	}
	c.printf("%s %s\n", prefix, text)
}

// isDoing reports whether a record shows what a stage does: it is the stage's own, or
// the line of a command that it runs.
func isDoing(record map[string]any) bool {
	message, _ := record["msg"].(string)
	return record["source"] != "command" || strings.HasPrefix(message, "$ ")
}

// record formats a record of a JSON log as text: its message, then its attributes. Output of commands stays as it is.
func (c *console) record(record map[string]any) string {
	message := fmt.Sprint(record["msg"])
	if record["source"] == "command" {
		return c.style(screen.Dim, message)
	}
	var details []string
	for key, value := range record {
		if key != "time" && key != "level" && key != "msg" && key != "kind" && value != "" {
			details = append(details, key+"="+plain(value))
		}
	}
	sort.Strings(details)
	message = strings.TrimSpace(message + "  " + c.style(screen.Dim, strings.Join(details, " ")))
	switch record["level"] {
	case "ERROR":
		return c.style(screen.Red, "error: ") + message
	case "WARN":
		return c.style(screen.Yellow, "warning: ") + message
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
