package progress

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Board shows a run on a screen: one line per stage that runs or has ended, updated
// in place. It is safe for concurrent use.
type Board struct {
	screen *screen.Screen

	mu       sync.Mutex
	stages   []*stageLine // in the order in which they began
	asking   int          // open questions; nothing is drawn while there are any
	stopping bool
}

// stageLine is the state of a stage of a run.
type stageLine struct {
	name    string
	attempt int // counted from 1
	began   time.Time
	ended   time.Time
	text    string // its last message, or how it ended
	outcome string // one of outcomes; empty while it runs
	waits   bool   // for approval
	past    bool   // belongs to a run that has handed over
	stacks  []*stackLine
}

// stackLine is the state of a stack that a stage deploys.
type stackLine struct {
	name        string
	doing       string
	running     []activity // resources in progress, the latest last
	done, total int        // resources of the change set
	outcome     string     // such as "created"; empty while it runs, and if it failed or was stopped
}

// NewBoard makes a board without lines.
func NewBoard(s *screen.Screen) *Board { return &Board{screen: s} }

// Begin records that a stage runs, for the first time or again.
func (b *Board) Begin(stage string, attempt int) {
	b.change(stage, func(s *stageLine) {
		s.attempt, s.outcome, s.text, s.stacks, s.waits = attempt, "", "", nil, false
	})
}

// Wait records that a stage waits for approval.
func (b *Board) Wait(stage string) {
	b.change(stage, func(s *stageLine) { s.text, s.waits = "waiting for approval", true })
}

// Note sets the last message of a stage.
func (b *Board) Note(stage, text string) { b.change(stage, func(s *stageLine) { s.text = text }) }

// Report updates a stage that deploys from an event read from its log.
func (b *Board) Report(stage string, e Event) {
	b.change(stage, func(s *stageLine) {
		switch {
		case e.Scope == Stack:
			s.stack(e.Subject).apply(e)
		case e.Scope == Stage && e.Step == Still:
			s.text = e.Text
		}
	})
}

// End records how a stage ended: Finished, Failed or Stopped, and why.
func (b *Board) End(stage, outcome, why string) {
	b.change(stage, func(s *stageLine) {
		s.outcome, s.text, s.waits, s.ended = outcome, why, false, time.Now()
	})
}

// Next records that another run continues; its stages may have the same names.
func (b *Board) Next() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.stages {
		s.past = true
	}
}

// Stopping records that the run was interrupted and its stages are ending.
func (b *Board) Stopping() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopping = true
	b.draw(time.Now())
}

// Ask clears the lines and runs question, which has the terminal to itself until it returns.
func (b *Board) Ask(question func() error) error {
	b.mu.Lock()
	b.asking++
	b.screen.Finish(nil)
	b.mu.Unlock()
	err := question()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking--
	b.screen.Answered()
	b.draw(time.Now())
	return err
}

// Watch updates the lines until the returned function is called, which leaves the
// lines of stages that did not succeed on the screen.
func (b *Board) Watch() (stop func()) {
	refreshing := func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.draw(time.Now())
	}
	refreshing()
	end := every(refresh, refreshing)
	return func() {
		end()
		b.mu.Lock()
		defer b.mu.Unlock()
		width, _ := b.screen.Size()
		v := view{width: width, color: b.screen.Color()}
		b.screen.Finish(v.table(b.last(time.Now())))
	}
}

// change changes the line of a stage, and adds it if there is none.
func (b *Board) change(stage string, change func(*stageLine)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.stages, func(s *stageLine) bool { return s.name == stage && !s.past })
	if at < 0 {
		at = len(b.stages)
		b.stages = append(b.stages, &stageLine{name: stage, began: time.Now()})
	}
	change(b.stages[at])
}

func (b *Board) draw(now time.Time) {
	if b.asking == 0 {
		b.screen.Draw(b.lines(now))
	}
}

// lines returns as many lines as fit on half of the screen.
func (b *Board) lines(now time.Time) []string {
	width, height := b.screen.Size()
	v := view{width: width, height: min(height, max(8, height/2)), color: b.screen.Color()}
	return v.table(v.fit(b.rows(now)))
}

func (b *Board) rows(now time.Time) []row {
	rows := make([]row, 0, len(b.stages))
	for _, s := range b.stages {
		rows = append(rows, s.row(turnOf(now), b.stopping, now))
	}
	return rows
}

// last returns the lines that stay: those of stages that did not succeed.
func (b *Board) last(now time.Time) (rows []row) {
	for _, s := range b.stages {
		if s.outcome != Finished {
			rows = append(rows, s.row("■", b.stopping, now))
		}
	}
	return rows
}

func (s *stageLine) row(turn string, stopping bool, now time.Time) row {
	end := s.ended
	if s.outcome == "" {
		end = now
	}
	r := row{name: s.name, text: s.words(stopping), took: seconds(end.Sub(s.began)), rank: 1}
	switch {
	case s.outcome == Finished:
		r.symbol, r.style = "✔", screen.Green
	case s.outcome == Failed:
		r.symbol, r.style, r.rank = "✖", screen.Red, 4
	case s.outcome != "":
		r.symbol, r.style, r.rank = "■", screen.Yellow, 4
	case s.waits:
		r.symbol, r.style, r.rank = "‖", screen.Yellow, 3
	default:
		r.symbol, r.style, r.rank = turn, screen.Cyan, 3
	}
	return r
}

// words describes what a stage does, or how it ended: the stacks that it deploys, or
// else its last message.
func (s *stageLine) words(stopping bool) string {
	var parts []string
	switch {
	case s.outcome != "" && s.text != "":
		parts = append(parts, s.text)
	case s.outcome == "" && stopping:
		parts = append(parts, "stopping")
	}
	if s.outcome == "" && s.attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", s.attempt))
	}
	if s.outcome == "" && s.text != "" && len(s.stacks) == 0 {
		parts = append(parts, s.text)
	}
	if ended := s.endedStacks(); ended != "" {
		parts = append(parts, ended)
	}
	for _, stack := range s.stacks {
		if stack.outcome == "" {
			parts = append(parts, stack.words())
		}
	}
	return strings.Join(parts, ", ")
}

// endedStacks counts the stacks by how they ended: "2 created, 1 unchanged".
func (s *stageLine) endedStacks() string {
	var order, parts []string
	count := map[string]int{}
	for _, stack := range s.stacks {
		if stack.outcome == "" {
			continue
		}
		if count[stack.outcome] == 0 {
			order = append(order, stack.outcome)
		}
		count[stack.outcome]++
	}
	for _, outcome := range order {
		parts = append(parts, fmt.Sprintf("%d %s", count[outcome], outcome))
	}
	return strings.Join(parts, ", ")
}

func (s *stageLine) stack(name string) *stackLine {
	for _, stack := range s.stacks {
		if stack.name == name {
			return stack
		}
	}
	stack := &stackLine{name: name}
	s.stacks = append(s.stacks, stack)
	return stack
}

// apply updates the stack from an event of it or of one of its resources.
func (s *stackLine) apply(e Event) {
	switch {
	case e.Step == Finished:
		s.outcome = e.Text
	case e.Step == Skipped:
		s.outcome = e.Step
	case e.Step == Failed || e.Step == Stopped:
		s.running, s.doing = nil, e.Step // listed by name, not counted
	case e.Resource != "":
		s.running = slices.DeleteFunc(s.running, func(a activity) bool { return a.id == e.Resource })
		if doing := e.operation(); doing != "" {
			s.running = append(s.running, activity{e.Resource, doing})
		}
		s.doing = "waiting for CloudFormation"
	case e.Step != Still:
		s.doing = e.Step
	}
	s.done, s.total = e.Done, e.Total
}

// words describes what is done to the stack: "Api 4/14 creating AWS::SQS::Queue Orders".
func (s *stackLine) words() string {
	words := s.name
	if s.total > 0 {
		words += fmt.Sprintf(" %d/%d", s.done, s.total)
	}
	if len(s.running) > 0 {
		return words + " " + s.running[len(s.running)-1].doing
	}
	return words + " " + s.doing
}

// operation describes a resource in progress, from an event read from a log.
func (e Event) operation() string {
	what := e.Type + " " + ShortName(e.Subject, e.Resource)
	if e.Type == "AWS::CloudFormation::Stack" && !strings.Contains(e.Resource, "/") {
		what = "the stack"
	}
	return Operation(e.Step, what)
}
