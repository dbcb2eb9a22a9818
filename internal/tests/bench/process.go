package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is what running a program showed.
type process struct {
	seconds float64
	cpu     float64 // seconds of processors that it and its children took
	memory  float64 // most of its tree's resident set, in MB; 0 where it was not asked for
	lines   []line
}

// line is a line of a program's output and when it came.
type line struct {
	at   time.Time
	text string
}

// watch runs a program to its end, with all of its output. Memory is looked at only
// if that is asked for, as it takes some time of the machine.
func watch(ctx context.Context, command *exec.Cmd, memory bool) (process, error) {
	var out lines
	command.Stdout, command.Stderr = &out, &out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := command.Start(); err != nil {
		return process{}, fmt.Errorf("starting %s: %w", command.Path, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = command.Process.Signal(syscall.SIGTERM) })
	defer stop()
	peak := func() float64 { return 0 }
	if memory {
		peak = watchMemory(command.Process.Pid)
	}
	err := command.Wait()
	p := process{seconds: time.Since(began).Seconds(), memory: peak(), lines: out.all()}
	if state := command.ProcessState; state != nil {
		p.cpu = (state.UserTime() + state.SystemTime()).Seconds()
	}
	if err != nil {
		return p, fmt.Errorf("running %s: %w\n%s", command.Path, err, out.text())
	}
	return p, ctx.Err()
}

// lines notes when each line that is written to it came.
type lines struct {
	mu   sync.Mutex
	done []line
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		l.done = append(l.done, line{time.Now(), string(l.rest[:end])})
		l.rest = l.rest[end+1:]
	}
}

func (l *lines) all() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

func (l *lines) text() string {
	var text bytes.Buffer
	for _, line := range l.all() {
		text.WriteString(line.text + "\n")
	}
	return text.String()
}
