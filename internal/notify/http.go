package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Poster posts JSON documents to servers whose URL a commit or a secret names. It follows no
// redirect.
type Poster struct{ client *http.Client }

// NewPoster returns a Poster that connects to addresses that are permitted, such as by
// [Public], whatever name they have. Through a proxy of the environment the proxy decides.
func NewPoster(permitted func(netip.Addr) bool) Poster {
	return Poster{client: &http.Client{
		Transport: &guarded{direct: transport(permitted, nil), proxied: transport(nil, http.ProxyFromEnvironment)},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// guarded sends requests through the proxy of the environment, if there is one for them.
type guarded struct{ direct, proxied http.RoundTripper }

// RoundTrip sends a request.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(r); err != nil || proxy == nil {
		return g.direct.RoundTrip(r)
	}
	if address, err := netip.ParseAddr(strings.Trim(r.URL.Hostname(), "[]")); err == nil && !Public(address) {
		return nil, refused(address)
	}
	return g.proxied.RoundTrip(r)
}

func transport(permitted func(netip.Addr) bool, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	dialer := net.Dialer{Timeout: perAttempt}
	if permitted != nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !permitted(to.Addr().Unmap()) {
				return refused(to.Addr())
			}
			return nil
		}
	}
	return &http.Transport{DialContext: dialer.DialContext, Proxy: proxy, TLSHandshakeTimeout: perAttempt, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
}

func refused(address netip.Addr) error {
	return errs.Invalidf("its host has the address %s, of this machine, its link or its cloud's metadata", address).WithHint("notifications are sent to other machines only")
}

// metadata are the addresses outside of the link-local ranges where clouds serve
// credentials of their machines and pods: of AWS by IPv6, and of Alibaba and Azure.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::/32"), netip.MustParsePrefix("100.100.100.200/32"), netip.MustParsePrefix("168.63.129.16/32"),
}

// translated are IPv4 addresses as an IPv6 network reaches them (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// thisNetwork are addresses that some systems take for this machine (RFC 1122, 3.2.1.3).
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// Public reports whether an address is of another machine, and not of a service that trusts
// whoever reaches it: not of this machine, its link, a group, or the metadata of a cloud.
// Private networks are permitted, as companies have their servers there.
func Public(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if !address.IsGlobalUnicast() || address.IsLinkLocalUnicast() || address.IsLoopback() || thisNetwork.Contains(address) {
		return false
	}
	for _, prefix := range metadata {
		if prefix.Contains(address) {
			return false
		}
	}
	if bytes := address.As16(); translated.Contains(address) {
		return Public(netip.AddrFrom4([4]byte(bytes[12:])))
	}
	return true
}

// mostOfAnswer is how much of an answer is read, in bytes. Nothing of it is repeated.
const mostOfAnswer = 64 << 10

// Post posts a JSON document. Its errors do not contain the URL, which may be a secret.
func (p Poster) Post(ctx context.Context, to string, body []byte, header http.Header) error {
	at, err := url.Parse(to)
	if err != nil || at.Scheme != "https" || at.Hostname() == "" || at.User != nil {
		return errs.Invalidf("its URL is not one of https without a user").WithHint("store the URL as it was given to you")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errs.Invalidf("its URL cannot be used").WithHint("store the URL as it was given to you")
	}
	request.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := p.client.Do(request)
	if err != nil {
		return unanswered(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostOfAnswer))
	return answered(response)
}

// unanswered explains an error of the connection.
func unanswered(err error) error {
	var from *url.Error
	if errors.As(err, &from) {
		err = from.Err // without the URL
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err // without the host
	}
	var name *net.DNSError
	switch {
	case errs.KindOf(err) == errs.Invalid:
		return err
	case errors.As(err, &name):
		return errs.Temporaryf("the name of its host was not found")
	case errors.Is(err, context.DeadlineExceeded):
		return errs.Temporaryf("it did not answer in time")
	}
	return errs.Temporaryf("connecting to it: %s", err)
}

// answered explains the status of an answer.
func answered(response *http.Response) error {
	status := response.StatusCode
	switch {
	case status/100 == 2:
		return nil
	case status/100 == 3:
		return errs.Failedf("it answered %d: redirects are not followed", status).WithHint("use the URL that it redirects to")
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		err := errs.Temporaryf("it answered %d", status)
		if after := retryAfter(response.Header.Get("Retry-After")); after > 0 {
			err = errs.Temporaryf("%w", errs.RetryAfter{Err: fmt.Errorf("it answered %d, to be asked again after %s", status, after.Round(time.Second)), After: after})
		}
		return err
	}
	return errs.Failedf("it answered %d", status).WithHint("check that its URL and its rights are still valid")
}

// longestRetryAfter bounds what a target may ask for, so that sums cannot overflow.
const longestRetryAfter = 24 * time.Hour

// retryAfter parses the header Retry-After (RFC 9110, section 10.2.3); 0 is none.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(min(seconds, 1<<20))*time.Second, 0), longestRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(time.Until(at), 0), longestRetryAfter)
}
