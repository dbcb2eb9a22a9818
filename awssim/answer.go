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

// dispatch runs one call of any service and writes its response.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	v, err := s.read(r)
	v.call.RequestID, v.call.Now = newRequestID(), s.clock.Now()
	v.call.Guard = s.guard(v)
	if err == nil {
		err = s.authenticate(v)
	}
	if err == nil {
		err = s.provide(v)
	}
	record := v.record()
	var reply wire.Reply
	defer func() { s.remember(record, reply, err) }()
	if err == nil {
		reply, err = s.perform(v, &record)
	}
	if err != nil {
		v.drain()
		err = inS3Words(err)
		reply = v.protocol.Failure(v.call, err)
	}
	reply.Write(w, v.call)
}

// perform runs the call unless a scripted fault applies.
func (s *Server) perform(v *visit, record *Record) (wire.Reply, error) {
	fault := s.faults.next(record)
	if fault == nil {
		return s.run(v)
	}
	if fault.AfterEffect {
		reply, _ := s.run(v) // whatever it answers, that is lost
		reply.Close()
	}
	if err := fault.strike(v.r.Context(), s.clock); err != nil {
		return wire.Reply{}, err
	}
	if fault.AfterEffect {
		return wire.Reply{Status: http.StatusOK}, nil
	}
	return s.run(v)
}

// run passes the call to its service.
func (s *Server) run(v *visit) (wire.Reply, error) {
	service, known := s.services[v.call.Service]
	switch {
	case !known:
		return wire.Reply{}, wire.Commonf(wire.UnknownOperation, "the simulator does not simulate the service %s (operation %s)", v.call.Service, v.call.Operation)
	case service.Protocol == wire.CBOR && v.protocol == wire.JSON: // older clients of such services
		service.Protocol = wire.JSON
	case service.Protocol != v.protocol:
		return wire.Reply{}, wire.Commonf(wire.UnknownOperation, "the simulator does not support %s:%s in this protocol", v.call.Service, v.call.Operation)
	}
	ctx := context.WithoutCancel(v.r.Context()) // an effect is whole or not at all
	return service.Run(ctx, v.call)
}

// maxDrain is how much of a refused body is read, so that a client that is
// still sending gets to see the refusal.
const maxDrain = 64 << 20

func (v *visit) drain() {
	if v.r.Header.Get("Expect") == "" {
		_, _ = io.Copy(io.Discard, io.LimitReader(v.r.Body, maxDrain)) // the refusal says more
	}
}

// inS3Words returns the errors of reading a body as S3 words them.
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

// target returns the resource of a call, if the request names it.
func (v *visit) target() string {
	if v.protocol.Streams() {
		return strings.TrimPrefix(v.r.URL.Path, "/")
	}
	for _, name := range []string{"StackName", "RoleArn", "RoleName", "PolicyArn"} {
		if value := v.call.Form.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// remember adds the call to the history and the log.
func (s *Server) remember(record Record, reply wire.Reply, err error) {
	record.Status, record.Code = reply.Status, reply.Code
	var e *wire.Error
	unknown := errors.As(err, &e) && e.Common == wire.UnknownOperation
	s.ledger.add(record, unknown)
	if unknown {
		s.log.Warn("the simulator does not support this operation", "service", record.Service, "operation", record.Operation)
		return
	}
	s.log.Debug("call", "service", record.Service, "operation", record.Operation, "account", record.Account,
		"region", record.Region, "target", record.Target, "status", record.Status, "code", record.Code)
}

func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
