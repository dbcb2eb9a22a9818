package checkout

import (
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// address is the location of a repository: a local folder, or a URL.
type address struct {
	local string   // "" when it is remote
	url   *url.URL // nil when it is local
	token string   // "" when none may be sent
}

// parseAddress accepts the addresses that may be fetched from, and refuses other schemes
// (ext:: runs programs), other hosts, and credentials in a URL.
func parseAddress(o Options) (address, error) {
	if strings.ContainsFunc(o.URL, isControl) || strings.HasPrefix(o.URL, "-") {
		return address{}, notHTTPS(o.URL)
	}
	if filepath.IsAbs(o.URL) || o.URL == "." || strings.HasPrefix(o.URL, "./") || strings.HasPrefix(o.URL, "../") {
		return localAddress(o, o.URL)
	}
	if meant := httpsOf(o.URL); meant != "" {
		return address{}, o.otherProtocol(meant)
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return address{}, notHTTPS(o.URL)
	}
	if u.User != nil {
		return address{}, errs.Invalidf("the repository URL of host %q contains credentials", u.Hostname()).
			WithHint("remove them: the token is read from the configured secret")
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsFunc(u.Path, isControl) {
			return address{}, errs.Invalidf("repository %q is not the URL of a folder", o.URL).
				WithHint("write ? as %%3F and # as %%23, or use the path of the folder")
		}
		return localAddress(o, filepath.FromSlash(u.Path))
	case strings.Contains(o.URL, " "): // only paths of folders contain spaces
		return address{}, notHTTPS(o.URL)
	case u.Scheme == "https", u.Scheme == "http" && o.AllowLocal && isLoopback(u.Hostname()):
		return remoteAddress(o, u)
	}
	return address{}, notHTTPS(o.URL)
}

// CheckURL fails unless a repository may be fetched from an address. It contacts nothing.
// Host and AllowLocal are those of Options.
func CheckURL(address, host string, allowLocal bool) error {
	_, err := parseAddress(Options{URL: address, Host: host, AllowLocal: allowLocal}.withDefaults())
	return err
}

// overSSH matches git's addresses for SSH and for its own protocol:
// git@github.com:owner/repository.git, ssh://git@github.com/owner/repository.
var overSSH = regexp.MustCompile(`^(?:(?:ssh|git)://(?:[\w.-]+@)?([\w.-]+)(?::\d+)?/|[\w.-]+@([\w.-]+):/?)([\w./-]+)$`)

// httpsOf returns the https URL of a repository with an address of overSSH; "" for other
// addresses.
func httpsOf(raw string) string {
	parts := overSSH.FindStringSubmatch(raw)
	if parts == nil {
		return ""
	}
	return "https://" + parts[1] + parts[2] + "/" + strings.Trim(parts[3], "/")
}

// otherProtocol refuses an address of another protocol, with the https URL in its hint.
func (o Options) otherProtocol(https string) error {
	err := errs.Invalidf("cannot fetch from repository %q: only https is supported", redact.New().String(o.URL))
	switch _, refused := parseAddress(Options{URL: https, Host: o.Host}.withDefaults()); refused {
	case nil:
		return err.WithHint("use %s", https)
	default:
		host, _, _ := strings.Cut(strings.TrimPrefix(https, "https://"), "/")
		return err.WithHint("use %s, with --host %s if that is your git server", https, host)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func notHTTPS(raw string) error {
	return errs.Invalidf("cannot fetch from repository %q", redact.New().String(raw)).
		WithHint("use its https:// URL, such as https://github.com/owner/repository")
}

// FolderURL returns the file:// URL of a folder with any characters in its path.
func FolderURL(folder string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(folder)}).String()
}

func localAddress(o Options, folder string) (address, error) {
	if !o.AllowLocal {
		return address{}, errs.Invalidf("repository %q is a local folder", o.URL).
			WithHint("local folders are for local runs; use the https:// URL of the repository")
	}
	return address{local: folder}, nil
}

func remoteAddress(o Options, u *url.URL) (address, error) {
	if u.RawQuery != "" || u.Fragment != "" || path.Clean("/"+u.Path) == "/" {
		return address{}, notHTTPS(o.URL)
	}
	configured := sameHost(u, o.Host)
	if !configured && !(o.AllowLocal && isLoopback(u.Hostname())) {
		return address{}, errs.Invalidf("repository %q is on another host than the configured %q", o.URL, o.Host).
			WithHint("set --host %s if that is your git server", u.Host)
	}
	a := address{url: u}
	if configured {
		a.token = o.Token
	}
	return a, nil
}

// sameHost compares with host or host:port; the default port is the scheme's.
func sameHost(u *url.URL, host string) bool {
	want := &url.URL{Scheme: u.Scheme, Host: host}
	return strings.EqualFold(u.Hostname(), want.Hostname()) && portOf(u) == portOf(want)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
