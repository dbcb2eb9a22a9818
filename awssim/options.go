package awssim

import (
	"log/slog"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// Options tune a server. The zero value is an empty cloud that is forgotten
// when the server closes.
type Options struct {
	// Dir keeps the state: state.json, and objects as plain files under s3/.
	// A later server on the same directory continues from it. Empty
	// means a temporary directory that Close removes.
	Dir string
	// Address is the address that Start listens on, as host:port; empty means a free port of
	// the loopback interface.
	Address string
	// Clock is the simulator's clock; nil means a new one with the
	// machine's time.
	Clock *Clock
	// Log gets a debug line for every call and a warning for every unknown
	// one; nil means none.
	Log *slog.Logger
	// Bootstrap makes accounts bootstrap on first use; nil means that they
	// are bootstrapped by their users only, as in AWS.
	Bootstrap *Bootstrap
	// Stacks tunes the CloudFormation engine.
	Stacks cloudformation.Options
}
