package checkout

import (
	"encoding/hex"
	"io"
	"time"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// DefaultHost is the only host that repositories come from unless another is configured.
const DefaultHost = "github.com"

// Options says what to check out, and where to.
type Options struct {
	URL    string // https://host/owner/repository
	Commit string // the full name of the commit: 40 or 64 hex digits
	Branch string // for messages only: the commit alone decides
	Dir    string // the folder to make; it may exist when it is empty
	Token  string // sent to Host only, as a password
	Host   string // host, or host:port, that URL must name; "" is DefaultHost
	// AllowLocal also takes file:// URLs, plain paths, and http:// on the
	// loopback interface: for local runs and tests.
	AllowLocal bool
	Progress   io.Writer     // lines for a person; nil discards
	Patience   time.Duration // how long the server may be silent; 0 is 1 minute
	Limit      time.Duration // how long all of it may take; 0 is 30 minutes

	retryPause time.Duration // before the second try; 0 is 1 second
	maxEntries int           // files and folders that a commit may unfold to; 0 is a million
}

// Checkout describes a folder that holds a commit.
type Checkout struct {
	Dir        string
	Commit     string
	Files      int           // regular files and symbolic links
	Bytes      int64         // their size
	Received   int64         // bytes that the server sent
	Shallow    bool          // the commit came without its history
	Submodules []string      // paths that stayed empty
	Pointers   []string      // paths of files in Git LFS, which were not fetched
	Duration   time.Duration // with retries
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
	if o.maxEntries == 0 {
		o.maxEntries = maxEntries
	}
	return o
}

// CheckCommit says whether commit is a full object name: 40 or 64 lower-case
// hex digits. Anything else, an abbreviation or an option, is refused.
func CheckCommit(commit string) error {
	_, err := hex.DecodeString(commit)
	if err != nil || len(commit) != 40 && len(commit) != 64 || hasUpper(commit) {
		return errs.Invalidf("commit %q is not a full commit SHA", commit).
			WithHint("give all 40 (or 64) lower-case hex digits, as `git rev-parse HEAD` prints them")
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

// checkSupported refuses what CheckCommit accepts but nobody can fetch yet.
func checkSupported(commit string) error {
	if len(commit) == 64 {
		return errs.Invalidf("commit %s is of a repository with SHA-256 object names, which cannot be checked out", commit).
			WithHint(repository.NextSHA256)
	}
	return nil
}
