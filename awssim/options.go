package awssim

import (
	"log/slog"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// Options tune a server. The zero value is an empty cloud that is forgotten
// when the server closes.
type Options struct {
	// Dir keeps the state: state.json, and objects as plain files under s3/.
	// A later server on the same directory goes on where this one ended. Empty
	// means a temporary directory that Close removes.
	Dir string
	// Address is where Start listens, as host:port; empty means a free port of
	// the loopback interface.
	Address string
	// Clock is the simulator's time; nil means a new one that shows the
	// machine's time.
	Clock *Clock
	// Log gets a debug line for every call and a warning for every unknown
	// one; nil means none.
	Log *slog.Logger
	// Bootstrap lets accounts be bootstrapped on first use; nil means that they
	// are as AWS's, bootstrapped only by their users.
	Bootstrap *Bootstrap
	// Stacks tunes the CloudFormation engine.
	Stacks cloudformation.Options
}
