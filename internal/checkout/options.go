package checkout

import (
	"encoding/hex"
	"io"
	"time"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// DefaultHost is the host of repositories unless another is configured.
const DefaultHost = "github.com"

// Options configure a checkout.
type Options struct {
	URL    string // https://host/owner/repository
	Commit string // full SHA of the commit: 40 or 64 hex digits
	Branch string // for messages only
	Dir    string // the folder to create; it may exist if it is empty
	Token  string // sent to Host only, as a password
	Host   string // host, or host:port, of URL; "" is DefaultHost
	// AllowLocal also accepts file:// URLs, plain paths, and http:// on the
	// loopback interface: for local runs and tests.
	AllowLocal bool
	Progress   io.Writer     // messages; nil discards
	Patience   time.Duration // how long the server may be silent; 0 is 1 minute
	Limit      time.Duration // time limit of the whole checkout; 0 is 30 minutes

	Budget limits.Budget // limits the files of the commit; zero fields default to limits.Workspace

	retryPause time.Duration // before the second attempt; 0 is 1 second
}

// Checkout describes a folder that holds a commit.
type Checkout struct {
	Dir        string
	Commit     string
	Files      int           // regular files and symbolic links
	Bytes      int64         // their size
	Received   int64         // bytes received from the server
	Shallow    bool          // the commit was fetched without its history
	Submodules []Submodule   // those whose folders are empty
	Pointers   []string      // paths of files in Git LFS that are not fetched
	Duration   time.Duration // including retries
}

func (o Options) withDefaults() Options {
	if o.Host == "" {
		o.Host = DefaultHost
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Limit == 0 {
		o.Limit = 30 * time.Minute
	}
	if o.retryPause == 0 {
		o.retryPause = time.Second
	}
	o.Budget = o.Budget.Or(limits.Workspace())
	return o
}

// CheckCommit fails unless commit is a full SHA: 40 or 64 lower-case hex digits.
// Abbreviations and options are refused.
func CheckCommit(commit string) error {
	_, err := hex.DecodeString(commit)
	if err != nil || len(commit) != 40 && len(commit) != 64 || hasUpper(commit) {
		return errs.Invalidf("commit %q is not a full commit SHA", commit).
			WithHint("use all 40 (or 64) lower-case hex digits, as `git rev-parse HEAD` prints them")
	}
	return nil
}

func hasUpper(hexDigits string) bool {
	for _, digit := range hexDigits {
		if digit >= 'A' && digit <= 'F' {
			return true
		}
	}
	return false
}

// checkSupported refuses commits with SHA-256 names, which are valid but not supported.
func checkSupported(commit string) error {
	if len(commit) == 64 {
		return errs.Invalidf("commit %s is of a repository with SHA-256 object names, which cannot be checked out", commit).
			WithHint(repository.NextSHA256)
	}
	return nil
}
