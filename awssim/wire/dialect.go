package wire

import "net/http"

// Protocol is the protocol of a service.
type Protocol int

// The protocols of the simulated services.
const (
	Query    Protocol = iota // a form in, XML out
	EC2Query                 // the same with EC2's envelopes
	JSON                     // X-Amz-Target and JSON
	RestXML                  // S3
	Rest                     // a path in, XML out, and errors as Query's
	RestJSON                 // a path in, JSON out
	CBOR                     // Smithy's RPC v2: a path and CBOR in, CBOR out
)

// Streams reports whether bodies are read while they arrive.
func (p Protocol) Streams() bool { return p == RestXML }

type codeAndStatus struct {
	code   string
	status int
}

// dialects names the common errors as each protocol's services do.
var dialects = map[Protocol]map[Common]codeAndStatus{
	Query: {
		AccessDenied:          {"AccessDenied", http.StatusForbidden},
		ExpiredToken:          {"ExpiredToken", http.StatusForbidden},
		InternalError:         {"InternalFailure", http.StatusInternalServerError},
		InvalidToken:          {"InvalidClientTokenId", http.StatusForbidden},
		MissingAuthentication: {"MissingAuthenticationToken", http.StatusForbidden},
		SignatureMismatch:     {"SignatureDoesNotMatch", http.StatusForbidden},
		Skewed:                {"SignatureDoesNotMatch", http.StatusForbidden},
		ServiceUnavailable:    {"ServiceUnavailable", http.StatusServiceUnavailable},
		Throttled:             {"Throttling", http.StatusBadRequest},
		UnknownAccessKey:      {"InvalidClientTokenId", http.StatusForbidden},
		UnknownOperation:      {"InvalidAction", http.StatusBadRequest},
		ValidationFailed:      {"ValidationError", http.StatusBadRequest},
	},
	EC2Query: {
		AccessDenied:          {"UnauthorizedOperation", http.StatusForbidden},
		ExpiredToken:          {"RequestExpired", http.StatusBadRequest},
		InternalError:         {"InternalError", http.StatusInternalServerError},
		InvalidToken:          {"AuthFailure", http.StatusUnauthorized},
		MissingAuthentication: {"AuthFailure", http.StatusUnauthorized},
		SignatureMismatch:     {"AuthFailure", http.StatusUnauthorized},
		Skewed:                {"AuthFailure", http.StatusUnauthorized},
		ServiceUnavailable:    {"Unavailable", http.StatusServiceUnavailable},
		Throttled:             {"RequestLimitExceeded", http.StatusServiceUnavailable},
		UnknownAccessKey:      {"AuthFailure", http.StatusUnauthorized},
		UnknownOperation:      {"InvalidAction", http.StatusBadRequest},
		ValidationFailed:      {"InvalidParameterValue", http.StatusBadRequest},
	},
	JSON: {
		AccessDenied:          {"AccessDeniedException", http.StatusBadRequest},
		ExpiredToken:          {"ExpiredTokenException", http.StatusBadRequest},
		InternalError:         {"InternalServerError", http.StatusInternalServerError},
		InvalidToken:          {"UnrecognizedClientException", http.StatusBadRequest},
		MissingAuthentication: {"MissingAuthenticationTokenException", http.StatusBadRequest},
		SignatureMismatch:     {"InvalidSignatureException", http.StatusBadRequest},
		Skewed:                {"InvalidSignatureException", http.StatusBadRequest},
		ServiceUnavailable:    {"ServiceUnavailableException", http.StatusServiceUnavailable},
		Throttled:             {"ThrottlingException", http.StatusBadRequest},
		UnknownAccessKey:      {"UnrecognizedClientException", http.StatusBadRequest},
		UnknownOperation:      {"UnknownOperationException", http.StatusBadRequest},
		ValidationFailed:      {"ValidationException", http.StatusBadRequest},
	},
	RestXML: {
		AccessDenied:          {"AccessDenied", http.StatusForbidden},
		ExpiredToken:          {"ExpiredToken", http.StatusBadRequest},
		InternalError:         {"InternalError", http.StatusInternalServerError},
		InvalidToken:          {"InvalidToken", http.StatusBadRequest},
		MissingAuthentication: {"AccessDenied", http.StatusForbidden},
		SignatureMismatch:     {"SignatureDoesNotMatch", http.StatusForbidden},
		Skewed:                {"RequestTimeTooSkewed", http.StatusForbidden},
		ServiceUnavailable:    {"ServiceUnavailable", http.StatusServiceUnavailable},
		Throttled:             {"SlowDown", http.StatusServiceUnavailable},
		UnknownAccessKey:      {"InvalidAccessKeyId", http.StatusForbidden},
		UnknownOperation:      {"NotImplemented", http.StatusNotImplemented},
		ValidationFailed:      {"InvalidArgument", http.StatusBadRequest},
	},
}

// spoken gives the error its code and status in the protocol's words.
func (p Protocol) spoken(e *Error) *Error {
	if e.Common == NotCommon {
		return e
	}
	switch p {
	case Rest:
		p = Query
	case RestJSON, CBOR:
		p = JSON
	}
	words := dialects[p][e.Common]
	named := *e
	if named.Code == "" {
		named.Code = words.code
	}
	if named.Status == 0 {
		named.Status = words.status
	}
	return &named
}
