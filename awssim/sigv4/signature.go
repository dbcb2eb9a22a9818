package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	maxExpires = 7 * 24 * time.Hour
)

// Errors of Parse and Verify.
var (
	// ErrUnsigned is a request without a signature.
	ErrUnsigned = errors.New("the request is not signed")
	// ErrMalformed is a signature that cannot be read.
	ErrMalformed = errors.New("the authorization of the request is malformed")
	// ErrMismatch is a signature made with another secret or of another request.
	ErrMismatch = errors.New("the request signature we calculated does not match the signature you provided; check your key and signing method")
	// ErrSkewed is a signature of another time.
	ErrSkewed = errors.New("the difference between the request time and the current time is too large")
	// ErrExpired is a presigned URL whose time is over.
	ErrExpired = errors.New("request has expired")
)

// Signature holds the signature parameters of a request.
type Signature struct {
	AccessKey string
	Date      string // YYYYMMDD of the scope
	Region    string
	Service   string
	Headers   []string // signed ones, lower case, sorted
	Value     string   // the signature in hex
	Time      time.Time
	Token     string        // of a session; empty without
	Presigned bool          // in the query instead of the header
	Expires   time.Duration // of a presigned URL
}

// Parse reads the signature of a request.
func Parse(r *http.Request) (*Signature, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: query: %w", ErrMalformed, err)
	}
	switch {
	case r.Header.Get("Authorization") != "":
		return parseHeader(r)
	case query.Has("X-Amz-Signature") || query.Has("X-Amz-Algorithm"):
		return parseQuery(query)
	}
	return nil, ErrUnsigned
}

func parseHeader(r *http.Request) (*Signature, error) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !ok {
		return nil, fmt.Errorf("%w: only %s is understood", ErrMalformed, algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	signature := &Signature{Value: parts["Signature"], Token: r.Header.Get("X-Amz-Security-Token")}
	return signature.complete(parts["Credential"], parts["SignedHeaders"], signingTime(r.Header))
}

func signingTime(header http.Header) string {
	if date := header.Get("X-Amz-Date"); date != "" {
		return date
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date.UTC().Format(timeFormat)
	}
	return ""
}

func parseQuery(query url.Values) (*Signature, error) {
	if query.Get("X-Amz-Algorithm") != algorithm {
		return nil, fmt.Errorf("%w: X-Amz-Algorithm only supports %s", ErrMalformed, algorithm)
	}
	signature := &Signature{
		Value: query.Get("X-Amz-Signature"), Token: query.Get("X-Amz-Security-Token"), Presigned: true,
		Expires: 15 * time.Minute,
	}
	if text := query.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxExpires {
			return nil, fmt.Errorf("%w: X-Amz-Expires must be a number of seconds up to a week", ErrMalformed)
		}
		signature.Expires = time.Duration(seconds) * time.Second
	}
	return signature.complete(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Date"))
}

func (s *Signature) complete(credential, headers, date string) (*Signature, error) {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || slices.Contains(scope, "") {
		return nil, fmt.Errorf("%w: the credential %q is not key/date/region/service/aws4_request", ErrMalformed, credential)
	}
	s.AccessKey, s.Date, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
	when, err := time.Parse(timeFormat, date)
	if err != nil || when.Format("20060102") != s.Date {
		return nil, fmt.Errorf("%w: the date %q is missing, unreadable or not that of the credential", ErrMalformed, date)
	}
	s.Time = when
	s.Headers = strings.Split(headers, ";")
	if !slices.Contains(s.Headers, "host") {
		return nil, fmt.Errorf("%w: the host header must be signed", ErrMalformed)
	}
	return s, nil
}

func (s *Signature) scope() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}
