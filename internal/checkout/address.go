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

// address is where a repository is: a local folder, or a URL.
type address struct {
	local string   // "" when it is remote
	url   *url.URL // nil when it is local
	token string   // "" when none may be sent there
}

// parseAddress takes what may be fetched from and refuses the rest: other
// schemes (ext:: runs programs), other hosts, and credentials inside a URL.
func parseAddress(o Options) (address, error) {
	if strings.ContainsFunc(o.URL, isControl) || strings.HasPrefix(o.URL, "-") {
		return address{}, notHTTPS(o.URL)
	}
	if filepath.IsAbs(o.URL) || o.URL == "." || strings.HasPrefix(o.URL, "./") || strings.HasPrefix(o.URL, "../") {
		return localAddress(o, o.URL)
	}
	if meant := httpsOf(o.URL); meant != "" {
		return address{}, o.elsewhere(meant)
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return address{}, notHTTPS(o.URL)
	}
	if u.User != nil {
		return address{}, errs.Invalidf("the repository URL of host %q has credentials in it", u.Hostname()).
			WithHint("remove them: a token comes from the configured secret")
	}
	switch {
	case u.Scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsFunc(u.Path, isControl) {
			return address{}, errs.Invalidf("repository %q is not the URL of a folder", o.URL).
				WithHint("write ? as %%3F and # as %%23, or give the folder itself")
		}
		return localAddress(o, filepath.FromSlash(u.Path))
	case strings.Contains(o.URL, " "): // only the names of folders have spaces
		return address{}, notHTTPS(o.URL)
	case u.Scheme == "https", u.Scheme == "http" && o.AllowLocal && isLoopback(u.Hostname()):
		return remoteAddress(o, u)
	}
	return address{}, notHTTPS(o.URL)
}

// CheckURL says whether a repository may be fetched from an address, before
// anything is contacted. Host and AllowLocal are those of Options.
func CheckURL(address, host string, allowLocal bool) error {
	_, err := parseAddress(Options{URL: address, Host: host, AllowLocal: allowLocal}.withDefaults())
	return err
}

// overSSH matches the addresses that git takes for SSH, and its own protocol:
// git@github.com:owner/repository.git, ssh://git@github.com/owner/repository.
var overSSH = regexp.MustCompile(`^(?:(?:ssh|git)://(?:[\w.-]+@)?([\w.-]+)(?::\d+)?/|[\w.-]+@([\w.-]+):/?)([\w./-]+)$`)

// httpsOf gives the https URL of a repository whose address is of another
// protocol; "" where it is none.
func httpsOf(raw string) string {
	parts := overSSH.FindStringSubmatch(raw)
	if parts == nil {
		return ""
	}
	return "https://" + parts[1] + parts[2] + "/" + strings.Trim(parts[3], "/")
}

// elsewhere refuses an address of another protocol, with the one that is accepted
// in its place.
func (o Options) elsewhere(meant string) error {
	err := errs.Invalidf("repository %q cannot be fetched from: only https is", redact.New().String(o.URL))
	switch _, refused := parseAddress(Options{URL: meant, Host: o.Host}.withDefaults()); refused {
	case nil:
		return err.WithHint("give %s", meant)
	default:
		host, _, _ := strings.Cut(strings.TrimPrefix(meant, "https://"), "/")
		return err.WithHint("give %s, with --host %s if that is your git server", meant, host)
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func notHTTPS(raw string) error {
	return errs.Invalidf("repository %q cannot be fetched from", redact.New().String(raw)).
		WithHint("give its https:// URL, such as https://github.com/owner/repository")
}

// FolderURL gives the file:// URL of a folder, whatever characters its name has.
func FolderURL(folder string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(folder)}).String()
}

func localAddress(o Options, folder string) (address, error) {
	if !o.AllowLocal {
		return address{}, errs.Invalidf("repository %q is a local folder", o.URL).
			WithHint("local folders are for local runs; give the https:// URL of the repository")
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
			WithHint("give --host %s if that is your git server", u.Host)
	}
	a := address{url: u}
	if configured {
		a.token = o.Token
	}
	return a, nil
}

// sameHost compares with host or host:port; without a port it is the scheme's own.
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
