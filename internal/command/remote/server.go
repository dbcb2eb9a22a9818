package remote

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Server runs commands for a client in another container.
type Server struct {
	// Runner runs the commands here.
	Runner command.Runner
	// Root is the folder that takes what a client sends, each file at its own path below it. "/" has all files at the
	// same paths as there.
	Root string
	// Reporting reports whether another container of the pod has a connection to the API of
	// the cluster; see ToCluster. It may be nil.
	Reporting func() bool

	mu      sync.Mutex
	secret  []byte // nil until a client has bound the server
	running map[string]context.CancelFunc
}

// Serve serves until ctx ends, then ends at once, without regard to what still runs:
// the client has what it wanted, or is gone. It ends by itself when the pod does, as far
// as it can tell.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	var clients clients
	ctx, end := context.WithCancel(ctx)
	defer end()
	server := http.Server{
		ConnState: clients.changed,
		Handler:   s.handler(), Protocols: cleartext2(), MaxHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 256, MaxReadFrameSize: 256 << 10, MaxReceiveBufferPerStream: 1 << 20, MaxReceiveBufferPerConnection: 4<<20 - 1},
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if s.Reporting != nil {
		go func() {
			if s.left(ctx, &clients) {
				end()
			}
		}()
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+provePath, s.prove)
	mux.HandleFunc("POST "+bindPath, s.bind)
	mux.HandleFunc("POST /run", s.run)
	mux.HandleFunc("POST /stop", s.stop)
	mux.HandleFunc("GET /look", s.look)
	mux.HandleFunc("PUT /files", s.put)
	mux.HandleFunc("GET /files", s.get)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != provePath && !s.admits(r.Header.Get(secretHeader), r.URL.Path == bindPath) {
			http.Error(w, "the secret is not that of this run", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// admits reports whether a secret is the one that the server is bound to. The first
// one that comes with a binding is that.
func (s *Server) admits(text string, binds bool) bool {
	given, err := hex.DecodeString(text)
	if err != nil || len(given) != secretBytes {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil && binds {
		s.secret = given
	}
	return subtle.ConstantTimeCompare(s.secret, given) == 1
}

// prove answers a challenge, also to those who do not say the secret.
func (s *Server) prove(w http.ResponseWriter, r *http.Request) {
	if proven, ok := s.proven(w, r); ok {
		_ = json.NewEncoder(w).Encode(bindAnswer{Proof: proven})
	}
}

func (s *Server) bind(w http.ResponseWriter, r *http.Request) {
	if proven, ok := s.proven(w, r); ok {
		_ = json.NewEncoder(w).Encode(bindAnswer{Proof: proven, Root: s.Root, Environ: toBytes(s.Runner.Environ())})
	}
}

// proven returns the answer to the challenge of a request, or answers that there is none.
func (s *Server) proven(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	var request bindRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, maxText)).Decode(&request); err != nil || len(request.Challenge) != challengeBytes {
		http.Error(w, "a binding needs a challenge", http.StatusBadRequest)
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil {
		http.Error(w, "nobody has given it the secret of a run: it has started again", http.StatusForbidden)
		return nil, false
	}
	return proof(s.secret, request.Challenge), true
}

func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	path, err := s.Runner.LookPath(r.URL.Query().Get("program"))
	if err != nil {
		fail(w, err)
		return
	}
	_, _ = io.WriteString(w, path)
}

// causes are the errors that a client has to tell apart.
var causes = []struct {
	name   string
	err    error
	status int
}{
	{"not found", command.ErrNotFound, http.StatusNotFound},
	{"not there", fs.ErrNotExist, http.StatusGone},
	{"not permitted", fs.ErrPermission, http.StatusUnprocessableEntity},
}

func causeOf(err error) string {
	for _, cause := range causes {
		if errors.Is(err, cause.err) {
			return cause.name
		}
	}
	return ""
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	for _, cause := range slices.Backward(causes) {
		if errors.Is(err, cause.err) {
			status = cause.status
		}
	}
	http.Error(w, shown(err.Error()), status)
}

// shown makes a text fit to be shown: one line, without control characters, not too long.
func shown(text string) string {
	if text = errs.OneLine(text[:min(len(text), 4*maxText)]); len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return strings.ToValidUTF8(text, "�")
}

// farError is an error that the other side reports, with the cause that it names.
type farError struct {
	text  string
	cause error // nil is none that is known
}

func (e *farError) Error() string { return e.text }
func (e *farError) Unwrap() error { return e.cause }

func reported(text, cause string) error {
	far := &farError{text: shown(text)}
	for _, known := range causes {
		if known.name == cause {
			far.cause = known.err
		}
	}
	return far
}

// answered returns the error that an answer reports, if any, or that of reading it.
func answered(response *http.Response) (refused, err error) {
	if response.StatusCode == http.StatusOK {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxText))
	if err != nil {
		return nil, err
	}
	for _, cause := range causes {
		if response.StatusCode == cause.status {
			return reported(string(text), cause.name), nil
		}
	}
	return reported(fmt.Sprintf("%s (%d)", text, response.StatusCode), ""), nil
}
