package awssim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/sigv4"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// answer runs one call and writes what came of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	v, err := read(r)
	v.call.RequestID, v.call.Now = newRequestID(), s.clock.Now()
	v.call.Guard = s.guard(v)
	if err == nil {
		err = s.authenticate(v)
	}
	if err == nil {
		err = s.provide(v)
	}
	record := v.record()
	seen := &observer{ResponseWriter: w}
	defer func() { s.remember(record, seen, err) }()
	if err == nil {
		err = s.perform(seen, v, &record)
	}
	if err != nil {
		v.drain()
		err = inS3Words(err)
		seen.code = v.protocol.Spoken(err).Code
		s.refuse(seen, v, err)
	}
}

// perform runs the call unless a scripted fault comes between.
func (s *Server) perform(w http.ResponseWriter, v *visit, record *Record) error {
	fault := s.faults.next(record)
	switch {
	case fault == nil:
		return s.run(w, v)
	case fault.AfterEffect:
		_ = s.run(&silent{header: http.Header{}}, v) // whatever it answers, that is lost
		return fault.strike(v.r.Context(), s.clock)
	}
	if err := fault.strike(v.r.Context(), s.clock); err != nil {
		return err
	}
	return s.run(w, v)
}

// run hands the call to its service.
func (s *Server) run(w http.ResponseWriter, v *visit) error {
	if v.call.Service == "s3" {
		w.Header().Set("x-amz-request-id", v.call.RequestID)
		w.Header().Set("x-amz-id-2", "aphex-aws-simulator")
		return s.objects.Serve(w, v.call, v.stream)
	}
	service, known := s.services[v.call.Service]
	switch {
	case v.call.Service == "cloudformation" && v.protocol == wire.Query:
		return s.runStacks(w, v)
	case !known:
		return wire.Commonf(wire.UnknownOperation, "the simulator does not simulate the service %s (operation %s)", v.call.Service, v.call.Operation)
	case service.Protocol != v.protocol:
		return wire.Commonf(wire.UnknownOperation, "the simulator does not know %s:%s in this protocol", v.call.Service, v.call.Operation)
	}
	ctx := context.WithoutCancel(v.r.Context()) // an effect is whole or not at all
	result, err := service.Run(ctx, v.call)
	if err != nil {
		return err
	}
	reply, err := service.Protocol.Success(v.call, result)
	if err != nil {
		return err
	}
	reply.Write(w, v.call.RequestID)
	return nil
}

// refuse writes an error; a HEAD gets the status alone.
func (s *Server) refuse(w http.ResponseWriter, v *visit, err error) {
	reply := v.protocol.Failure(v.call.RequestID, err)
	if v.r.Method == http.MethodHead || reply.Status == http.StatusNotModified {
		reply.Body = nil
	}
	reply.Write(w, v.call.RequestID)
}

// maxDrain is how much of a refused body is read, so that a client that is
// still sending gets to see the refusal.
const maxDrain = 64 << 20

func (v *visit) drain() {
	if v.r.Header.Get("Expect") == "" {
		_, _ = io.Copy(io.Discard, io.LimitReader(v.r.Body, maxDrain)) // the refusal says more
	}
}

// inS3Words names the errors of reading a body as S3 does.
func inS3Words(err error) error {
	switch {
	case errors.Is(err, sigv4.ErrHash):
		return wire.Errorf("XAmzContentSHA256Mismatch", "%s", err)
	case errors.Is(err, sigv4.ErrChunk):
		return wire.Errorf("IncompleteBody", "%s", err)
	case errors.Is(err, sigv4.ErrMismatch):
		return wire.Commonf(wire.SignatureMismatch, "%s", err)
	}
	return err
}

func (v *visit) record() Record {
	return Record{
		Time: v.call.Now, Service: v.call.Service, Operation: v.call.Operation, Account: v.call.Caller.Account,
		Region: v.call.Region, Caller: v.call.Caller.ARN, Target: v.target(),
	}
}

// target says what a call is about, as far as its outside shows.
func (v *visit) target() string {
	if v.call.Service == "s3" {
		return strings.TrimPrefix(v.r.URL.Path, "/")
	}
	for _, name := range []string{"StackName", "RoleArn", "RoleName", "PolicyArn"} {
		if value := v.call.Form.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// remember writes the call into history and log.
func (s *Server) remember(record Record, seen *observer, err error) {
	record.Status, record.Code = seen.status, seen.code
	var e *wire.Error
	unknown := errors.As(err, &e) && e.Common == wire.UnknownOperation
	s.ledger.add(record, unknown)
	if unknown {
		s.log.Warn("the simulator does not know this operation", "service", record.Service, "operation", record.Operation)
		return
	}
	s.log.Debug("call", "service", record.Service, "operation", record.Operation, "account", record.Account,
		"region", record.Region, "target", record.Target, "status", record.Status, "code", record.Code)
}

// observer notices the status of an answer.
type observer struct {
	http.ResponseWriter
	status int
	code   string
}

func (o *observer) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *observer) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(p)
}

// silent swallows the answer of a call whose effect is wanted alone.
type silent struct{ header http.Header }

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
func (s *silent) WriteHeader(int)             {}

func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
