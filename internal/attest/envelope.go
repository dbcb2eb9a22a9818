package attest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// payloadType is that of in-toto statements.
const payloadType = "application/vnd.in-toto+json"

// Subject is what a statement is about.
type Subject struct {
	Name   string
	Digest string // sha256:<hex>
}

// statement is an in-toto statement before it is signed, or after it was verified.
type statement struct {
	subjects []Subject
	kind     string // predicateType
	claims   []byte // the predicate, JSON
}

const sha256Prefix = "sha256:"

// sign returns the statement in a signed envelope, as JSON.
func (s statement) sign(ctx context.Context, key Signer) ([]byte, error) {
	st := &intoto.Statement{Type: intoto.StatementTypeUri, PredicateType: s.kind, Predicate: &structpb.Struct{}}
	for _, one := range s.subjects {
		st.Subject = append(st.Subject, &intoto.ResourceDescriptor{Name: one.Name, Digest: map[string]string{"sha256": strings.TrimPrefix(one.Digest, sha256Prefix)}})
	}
	if err := protojson.Unmarshal(s.claims, st.Predicate); err != nil {
		return nil, fmt.Errorf("encoding a %s: %w", s.kind, err)
	}
	if err := st.Validate(); err != nil {
		return nil, fmt.Errorf("encoding a %s: %w", s.kind, err)
	}
	payload, err := protojson.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("encoding a %s: %w", s.kind, err)
	}
	signer, err := dsse.NewEnvelopeSigner(unnamed{key})
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(ctx, payloadType, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope)
}

// unnamed leaves out the identifier of the key: tools compute it in different ways, and skip
// signatures of keys that they do not know by name.
type unnamed struct{ Signer }

func (unnamed) KeyID() (string, error) { return "", nil }

// open returns the statement of an envelope that the key signed, if it is of a kind.
func open(ctx context.Context, data []byte, key Key, kind string) (statement, error) {
	var envelope dsse.Envelope
	if err := json.Unmarshal(data, &envelope); err != nil {
		return statement{}, errs.Failedf("it is no DSSE envelope: %w", err)
	}
	verifier, err := dsse.NewEnvelopeVerifier(key)
	if err != nil {
		return statement{}, err
	}
	_, payload, err := verifier.VerifyAndDecode(ctx, &envelope)
	switch {
	case errors.Is(err, dsse.ErrNoSignature):
		return statement{}, errs.Failedf("it has %w", err)
	case err != nil:
		return statement{}, errs.Failedf("%w", errOther)
	}
	return parse(payload, envelope.PayloadType, kind)
}

// parse parses what was signed.
func parse(payload []byte, media, kind string) (statement, error) {
	st := &intoto.Statement{}
	if media != payloadType {
		return statement{}, errs.Failedf("it has a payload of the type %q, and not an in-toto statement", media)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, st); err != nil {
		return statement{}, errs.Failedf("it is no in-toto statement: %w", err)
	}
	if err := st.Validate(); err != nil {
		return statement{}, errs.Failedf("it is no in-toto statement: %w", err)
	}
	if st.GetPredicateType() != kind {
		return statement{}, errs.Failedf("it is a statement of the type %q, and not %q", st.GetPredicateType(), kind)
	}
	s := statement{kind: kind}
	for _, one := range st.GetSubject() {
		s.subjects = append(s.subjects, Subject{one.GetName(), sha256Prefix + one.GetDigest()["sha256"]})
	}
	var err error
	s.claims, err = protojson.Marshal(st.GetPredicate())
	return s, err
}
