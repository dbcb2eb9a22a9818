package awssim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/sigv4"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// maxBody bounds the body of every call that is not streamed.
const maxBody = 4 << 20

// visit is one HTTP request being authenticated.
type visit struct {
	r         *http.Request
	signature *sigv4.Signature // nil for an unsigned call
	protocol  wire.Protocol
	call      *wire.Call
	key       iam.Key
}

// read parses what is needed before authentication:
// service, region, operation. The error is for the protocol it found.
func (s *Server) read(r *http.Request) (*visit, error) {
	v := &visit{r: r, call: &wire.Call{HTTP: r, Region: "us-east-1"}}
	signature, err := sigv4.Parse(r)
	switch {
	case errors.Is(err, sigv4.ErrUnsigned):
		return v, s.readUnsigned(v)
	case err != nil:
		v.call.Operation = "Unreadable"
		return v, wire.Errorf("IncompleteSignature", "%s", err)
	}
	v.signature = signature
	v.call.Service, v.call.Region = signature.Service, signature.Region
	return v, s.readOperation(v)
}

// readUnsigned accepts the only unsigned call: an exchange of a web identity.
func (s *Server) readUnsigned(v *visit) error {
	v.call.Service = "sts"
	if v.r.Method != http.MethodPost || v.r.URL.Path != "/" {
		v.call.Service = "s3"
	}
	if err := s.readOperation(v); err != nil {
		return err
	}
	switch {
	case v.protocol.Streams():
		return wire.Commonf(wire.MissingAuthentication, "Access Denied: the request is not signed")
	case v.call.Operation != "AssumeRoleWithWebIdentity":
		return wire.Commonf(wire.MissingAuthentication, "Request is missing Authentication Token")
	}
	return nil
}

// readOperation finds protocol and operation, and reads the body unless the
// protocol streams it.
func (s *Server) readOperation(v *visit) error {
	service, known := s.services[v.call.Service]
	v.protocol = service.Protocol
	if v.protocol.Streams() {
		v.call.Operation = service.OperationOf(v.r)
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(v.r.Body, maxBody+1))
	if err != nil {
		return wire.Commonf(wire.ValidationFailed, "reading the request: %v", err)
	}
	if len(body) > maxBody {
		return wire.Errorf("RequestEntityTooLarge", "the request is larger than %d bytes", maxBody).WithStatus(http.StatusRequestEntityTooLarge)
	}
	v.call.Body = body
	if target := v.r.Header.Get("X-Amz-Target"); target != "" {
		v.protocol = wire.JSON
		v.call.Operation = target[strings.LastIndexByte(target, '.')+1:]
		return nil
	}
	if !known {
		return v.readUnknown()
	}
	if v.protocol == wire.CBOR {
		if v.r.Header.Get("Smithy-Protocol") != wire.SmithyCBOR {
			return v.readUnknown()
		}
		v.call.Operation = path.Base(v.r.URL.Path)
		return nil
	}
	if service.OperationOf != nil {
		v.call.Form, v.call.Operation = v.r.URL.Query(), service.OperationOf(v.r)
		return nil
	}
	if v.protocol == wire.JSON {
		v.protocol = wire.Query // a form where JSON is spoken
	}
	return v.readForm(body)
}

// restXML are the services that are not simulated and answer a path with XML, by
// their names in the credential scope. Others that take a path answer with JSON.
var restXML = map[string]bool{"cloudfront": true}

// readUnknown finds the protocol and the operation of a call to a service that is not
// simulated, so that its clients can read the refusal.
func (v *visit) readUnknown() error {
	form, err := url.ParseQuery(string(v.call.Body))
	switch {
	case v.r.Header.Get("Smithy-Protocol") == wire.SmithyCBOR:
		v.protocol, v.call.Operation = wire.CBOR, path.Base(v.r.URL.Path)
		return nil
	case err == nil && form.Get("Action") != "", v.r.URL.Query().Get("Action") != "":
		v.protocol = wire.Query
		return v.readForm(v.call.Body)
	}
	v.protocol, v.call.Operation = wire.RestJSON, v.r.Method+" "+v.r.URL.Path
	if restXML[v.call.Service] {
		v.protocol = wire.Rest
	}
	return nil
}

func (v *visit) readForm(body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return wire.Errorf("MalformedQueryString", "the body is no form: %s", err)
	}
	for name, values := range v.r.URL.Query() {
		if !form.Has(name) {
			form[name] = values
		}
	}
	v.call.Form, v.call.Operation = form, form.Get("Action")
	if v.call.Operation == "" {
		v.call.Operation = "None"
		return wire.Errorf("MissingAction", "the request names no Action")
	}
	return nil
}

// authenticate verifies the signature and identifies the caller.
func (s *Server) authenticate(v *visit) error {
	if v.signature == nil {
		return nil
	}
	key, known := s.identity.Key(v.signature.AccessKey, wire.Partition(v.call.Region))
	if !known {
		return wire.Commonf(wire.UnknownAccessKey, "The security token included in the request is invalid: the simulator does not know the access key %s", v.signature.AccessKey)
	}
	if subtle.ConstantTimeCompare([]byte(key.Token), []byte(v.signature.Token)) != 1 {
		return wire.Commonf(wire.InvalidToken, "The security token included in the request is invalid")
	}
	if err := v.verify(key); err != nil {
		return err
	}
	if !key.Expires.IsZero() && !s.clock.Now().Before(key.Expires) {
		return wire.Commonf(wire.ExpiredToken, "The security token included in the request is expired")
	}
	v.key, v.call.Caller, v.call.Temporary = key, key.Caller, key.Token != ""
	return v.openBody()
}

func (v *visit) verify(key iam.Key) error {
	hash := v.signature.PayloadHash(v.r)
	if !v.protocol.Streams() {
		sum := sha256.Sum256(v.call.Body)
		hash = hex.EncodeToString(sum[:])
	}
	err := v.signature.Verify(v.r, key.Secret, hash, time.Now())
	switch {
	case errors.Is(err, sigv4.ErrSkewed):
		return wire.Commonf(wire.Skewed, "%s", err)
	case errors.Is(err, sigv4.ErrExpired):
		return wire.Commonf(wire.AccessDenied, "%s", err)
	case err != nil:
		return wire.Commonf(wire.SignatureMismatch, "%s", err)
	}
	return nil
}

// openBody prepares a body that is streamed for reading.
func (v *visit) openBody() error {
	if !v.protocol.Streams() {
		return nil
	}
	body, err := v.signature.Open(v.r, v.key.Secret)
	if err != nil {
		return wire.Errorf("InvalidRequest", "%s", err)
	}
	v.call.Stream = wire.Stream{Reader: body, Trailer: body.Trailer, Length: body.Length}
	return nil
}

// Decision is a decision on whether a caller is permitted to do something.
type Decision struct {
	Caller   policy.Caller
	Question policy.Question
	Err      error // nil if it is permitted
}

// OnDecision calls a function, from several goroutines, for every later decision on a
// call or on what CloudFormation does with the permissions of a caller.
func (s *Server) OnDecision(decided func(Decision)) { s.decided.Store(&decided) }

// guard decides questions about the visit's caller.
func (s *Server) guard(v *visit) func(policy.Question) error {
	return func(q policy.Question) error {
		keys := policy.Keys{}
		for name, values := range q.Keys {
			keys[name] = values
		}
		now := s.clock.Now().UTC()
		keys["aws:SecureTransport"] = []string{"true"} // the loopback stands for the TLS endpoint
		keys["aws:RequestedRegion"] = []string{v.call.Region}
		keys["aws:SourceIp"] = []string{"127.0.0.1"}
		keys["aws:CurrentTime"] = []string{now.Format(time.RFC3339)}
		q.Keys = keys
		err := s.identity.Decide(v.call.Caller, q)
		if decided := s.decided.Load(); decided != nil {
			(*decided)(Decision{v.call.Caller, q, err})
		}
		return err
	}
}
