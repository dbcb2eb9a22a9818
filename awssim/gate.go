package awssim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/route53"
	"github.com/aphex/aphex-pipeline/awssim/s3"
	"github.com/aphex/aphex-pipeline/awssim/sigv4"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// maxBody bounds the body of every call but those to S3.
const maxBody = 4 << 20

// visit is one HTTP request on its way in.
type visit struct {
	r         *http.Request
	signature *sigv4.Signature // nil for an unsigned call
	protocol  wire.Protocol
	call      *wire.Call
	key       iam.Key
	stream    s3.Body // of S3
}

// read takes the request apart as far as it can be done before it is trusted:
// service, region, operation. The error is for the protocol it found.
func read(r *http.Request) (*visit, error) {
	v := &visit{r: r, call: &wire.Call{HTTP: r, Region: "us-east-1"}}
	signature, err := sigv4.Parse(r)
	switch {
	case errors.Is(err, sigv4.ErrUnsigned):
		return v, v.readUnsigned()
	case err != nil:
		v.call.Operation = "Unreadable"
		return v, wire.Errorf("IncompleteSignature", "%s", err)
	}
	v.signature = signature
	v.call.Service, v.call.Region = signature.Service, signature.Region
	return v, v.readOperation()
}

// readUnsigned lets in what needs no signature: an exchange of a web identity.
func (v *visit) readUnsigned() error {
	if v.r.Method != http.MethodPost || v.r.URL.Path != "/" {
		v.call.Service, v.call.Operation, v.protocol = "s3", s3.OperationOf(v.r), wire.RestXML
		return wire.Commonf(wire.MissingAuthentication, "Access Denied: the request is not signed")
	}
	v.call.Service = "sts"
	if err := v.readOperation(); err != nil {
		return err
	}
	if v.call.Operation != "AssumeRoleWithWebIdentity" {
		return wire.Commonf(wire.MissingAuthentication, "Request is missing Authentication Token")
	}
	return nil
}

// readOperation finds protocol and operation, and reads the body of every
// protocol but S3's.
func (v *visit) readOperation() error {
	if v.call.Service == "s3" {
		v.protocol, v.call.Operation = wire.RestXML, s3.OperationOf(v.r)
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
	if v.call.Service == "route53" {
		v.protocol, v.call.Form = wire.Rest, v.r.URL.Query()
		v.call.Operation = route53.OperationOf(v.r.Method, v.r.URL.Path)
		return nil
	}
	v.protocol = wire.Query
	if v.call.Service == "ec2" {
		v.protocol = wire.EC2Query
	}
	return v.readForm(body)
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

// authenticate verifies the signature and finds out who calls.
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
	if v.call.Service != "s3" {
		sum := sha256.Sum256(v.call.Body)
		hash = hex.EncodeToString(sum[:])
	}
	err := v.signature.Verify(v.r, key.Secret, hash, time.Now())
	switch {
	case errors.Is(err, sigv4.ErrSkewed) && v.call.Service == "s3":
		return wire.Errorf("RequestTimeTooSkewed", "%s", err).WithStatus(http.StatusForbidden)
	case errors.Is(err, sigv4.ErrExpired):
		return wire.Commonf(wire.AccessDenied, "%s", err)
	case err != nil:
		return wire.Commonf(wire.SignatureMismatch, "%s", err)
	}
	return nil
}

// openBody prepares the body of an S3 call for reading.
func (v *visit) openBody() error {
	if v.call.Service != "s3" {
		return nil
	}
	body, err := v.signature.Open(v.r, v.key.Secret)
	if err != nil {
		return wire.Errorf("InvalidRequest", "%s", err)
	}
	v.stream = s3.Body{Reader: body, Trailer: body.Trailer, Length: body.Length}
	return nil
}

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
		return s.identity.Decide(v.call.Caller, q)
	}
}
