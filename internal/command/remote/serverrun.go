package remote

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// run runs a command. It is stopped when its client asks for it, and when the request ends.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	input := bufio.NewReader(r.Body)
	request, err := readRequest(input)
	if err != nil {
		http.Error(w, shown(err.Error()), http.StatusBadRequest)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	if !s.register(request.ID, stop) {
		http.Error(w, "a command with this id runs", http.StatusConflict)
		return
	}
	defer s.unregister(request.ID)
	control := http.NewResponseController(w)
	if err := control.Flush(); err != nil {
		return
	}
	out := &frames{to: w, flush: control.Flush}
	out.end(exitOf(s.Runner.Run(ctx, request.command(input, out))))
}

func readRequest(r io.Reader) (request runRequest, err error) {
	var size uint32
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		return request, fmt.Errorf("reading the request: %w", err)
	}
	if size > maxRequest {
		return request, fmt.Errorf("the request has %d bytes; the limit is %d", size, maxRequest)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return request, fmt.Errorf("reading the request: %w", err)
	}
	return request, json.Unmarshal(data, &request)
}

// command is the command of a request.
func (r runRequest) command(input io.Reader, out *frames) command.Command {
	c := command.Command{Args: toTexts(r.Args), Dir: string(r.Dir), Env: toTexts(r.Env), Grace: r.Grace, Limit: r.Limit}
	if r.Input {
		c.Stdin = input
	}
	if r.Output.Stdout {
		c.Stdout = out.writer(stdoutFrame)
	}
	switch {
	case r.Output.Merged:
		c.Stderr = c.Stdout
	case r.Output.Stderr:
		c.Stderr = out.writer(stderrFrame)
	}
	return c
}

// exitOf describes how a command ended.
func exitOf(err error) exit {
	var code *command.ExitError
	var limit *command.LimitError
	switch {
	case err == nil:
		return exit{}
	case errors.As(err, &limit):
		return exit{Limit: true}
	case errors.As(err, &code):
		return exit{Code: code.Code, Signal: code.Signal}
	case errors.Is(err, context.Canceled):
		return exit{Cancelled: true}
	}
	return exit{Failed: shown(err.Error()), Cause: causeOf(err)}
}

func (s *Server) register(id string, stop context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.running[id]; there {
		return false
	}
	if s.running == nil {
		s.running = map[string]context.CancelFunc{}
	}
	s.running[id] = stop
	return true
}

func (s *Server) unregister(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

// stop stops a command in order; its own answer says when it has ended.
func (s *Server) stop(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stop, there := s.running[r.URL.Query().Get("id")]
	if !there {
		http.Error(w, "no such command runs", http.StatusNotFound)
		return
	}
	stop()
}

// frames writes the frames of an answer, each at once.
type frames struct {
	mu     sync.Mutex
	to     io.Writer
	flush  func() error
	buffer []byte
}

func (f *frames) write(kind byte, content []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffer = appendFrame(f.buffer[:0], kind, content)
	if _, err := f.to.Write(f.buffer); err != nil {
		return err
	}
	return f.flush()
}

// end writes the last frame.
func (f *frames) end(e exit) {
	data, err := json.Marshal(e)
	if err == nil {
		_ = f.write(exitFrame, data) // who no longer listens needs no answer
	}
}

func (f *frames) writer(kind byte) io.Writer { return &frameWriter{f, kind} }

type frameWriter struct {
	frames *frames
	kind   byte
}

func (w *frameWriter) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), maxFrame)]
		if err := w.frames.write(w.kind, part); err != nil {
			return written, err
		}
		written, p = written+len(part), p[len(part):]
	}
	return written, nil
}
