package conformance_test

import (
	"context"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// rollback runs the deployer's rollback stage on the app.
func (l life) rollback(args ...string) (printed string, code int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, prepared.deployer, append([]string{"rollback", "--environment", "dev"}, args...)...)
	command.Dir, command.Env = l.app, append(l.programs(), "CI=true", "HOME="+l.app)
	output, err := command.CombinedOutput()
	code, err = exitCode(err)
	require.NoError(l.t, err, string(output))
	return string(output), code
}

// pair is the same app in two clouds: one for the CDK CLI and one for the deployer.
type pair struct{ theirs, ours life }

func newPair(t *testing.T) pair {
	t.Helper()
	return pair{newLife(t), newLife(t)}
}

func (p pair) each(do func(life)) {
	do(p.theirs)
	do(p.ours)
}

// together runs what the CLI and what the deployer does side by side, and holds
// that Base is in the same status afterwards and the clouds are equal.
func (p pair) together(t *testing.T, status string, theirs, ours func(l life)) {
	t.Helper()
	var wait sync.WaitGroup
	wait.Go(func() { theirs(p.theirs) })
	wait.Go(func() { ours(p.ours) })
	wait.Wait()
	p.each(func(l life) { l.assertStatus("Base", status) })
	assert.Equal(t, stateWithTemplates(t, p.theirs.cloud), stateWithTemplates(t, p.ours.cloud))
}

// cli runs the CDK CLI and says whether it is to succeed.
func cli(succeeds bool, args ...string) func(life) {
	return func(l life) {
		printed, err := l.cdk(l.app, args...)
		assert.Equal(l.t, succeeds, err == nil, printed)
	}
}

// attempt runs the CDK CLI without a look at its exit code: `cdk rollback` takes
// the failure from the events that it has read when the stack has settled, which
// may be none on a busy machine. The status of the stack decides.
func attempt(args ...string) func(life) {
	return func(l life) { _, _ = l.cdk(l.app, args...) }
}

// forced runs `cdk rollback --force`, and again when it ended before the stack
// was rolled back: it goes on with the failed resources left out only when it
// has read a failure, see attempt.
func forced(l life) {
	for range 3 {
		_, _ = l.cdk(l.app, "rollback", "Base", "--force")
		if status, _ := l.status("Base"); status != "UPDATE_ROLLBACK_FAILED" {
			return
		}
	}
}

// deployed runs our deployer, which must exit with the code and print the text.
func deployed(code int, text string, args ...string) func(life) {
	return func(l life) {
		printed, ended := l.deployer(l.app, args...)
		assert.Equal(l.t, code, ended, printed)
		assert.Contains(l.t, printed, text)
	}
}

func TestAStackThatWasInterruptedIsContinuedOrRolledBackAsByTheCDKCLI(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	base := []string{"deploy", "Base", "--require-approval", "never"}
	with := func(more ...string) []string { return append(append([]string{}, base...), more...) }
	p.each(func(l life) { l.shape("first") })
	p.together(t, "CREATE_COMPLETE", cli(true, base...), deployed(0, "created", "--stacks", "Base"))

	p.each(func(l life) { l.shape("grown"); l.breaks() })
	p.together(t, "UPDATE_FAILED", cli(false, with("--no-rollback")...), deployed(1, "the stack stays in UPDATE_FAILED", "--stacks", "Base", "--no-rollback"))
	p.together(t, "UPDATE_FAILED", cli(false, base...), deployed(1, "roll it back with `deployer rollback`", "--stacks", "Base"))
	p.each(func(l life) { l.Stacks().ClearFaults() })
	p.together(t, "UPDATE_COMPLETE", cli(true, with("--no-rollback")...), deployed(0, "updated", "--stacks", "Base", "--no-rollback"))

	// A replacement on a stack whose operation was interrupted: refused, or rolled back first when forced.
	p.each(func(l life) { l.shape("first") })
	p.together(t, "UPDATE_COMPLETE", cli(true, base...), deployed(0, "updated", "--stacks", "Base"))
	p.each(func(l life) { l.shape("grown"); l.breaks() })
	p.together(t, "UPDATE_FAILED", cli(false, with("--no-rollback")...), deployed(1, "UPDATE_FAILED", "--stacks", "Base", "--no-rollback"))
	p.each(func(l life) { l.shape("replaced"); l.Stacks().ClearFaults() })
	p.together(t, "UPDATE_FAILED", cli(false, with("--no-rollback")...), deployed(1, "the change replaces Topic", "--stacks", "Base", "--no-rollback"))
	p.together(t, "UPDATE_COMPLETE", cli(true, with("--no-rollback", "--force")...), deployed(0, "updated", "--stacks", "Base", "--no-rollback", "--force"))
	p.each(func(l life) { assert.Empty(t, l.Unknown()) })
}

func TestStacksAreRolledBackAsByTheCDKCLI(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	stop := []string{"deploy", "Base", "--require-approval", "never", "--no-rollback"}
	p.each(func(l life) { l.shape("first") })
	p.together(t, "CREATE_COMPLETE", cli(true, "deploy", "Base", "--require-approval", "never"), deployed(0, "created", "--stacks", "Base"))
	back := func(code int, text string, args ...string) func(life) {
		return func(l life) {
			printed, ended := l.rollback(append([]string{"--stack", "Base"}, args...)...)
			assert.Equal(l.t, code, ended, printed)
			assert.Contains(l.t, printed, text)
		}
	}

	p.each(func(l life) { l.shape("grown"); l.breaks() })
	p.together(t, "UPDATE_FAILED", cli(false, stop...), deployed(1, "UPDATE_FAILED", "--stacks", "Base", "--no-rollback"))
	p.together(t, "UPDATE_ROLLBACK_COMPLETE", cli(true, "rollback", "Base"), back(0, "rolled back"))
	p.together(t, "UPDATE_ROLLBACK_COMPLETE", cli(false, "rollback", "Base"), back(1, "no stack was in a state that can be rolled back"))

	stuck := func(l life) { // the topic is changed, and cannot be changed back
		l.shape("renamed")
		l.Stacks().ClearFaults()
		l.Stacks().FailResource(cloudformation.Rule{Stack: "Base", LogicalID: "Topic", Operation: "UPDATE", Times: 1, OnlySlow: true})
		l.Stacks().FailResource(cloudformation.Rule{Stack: "Base", LogicalID: "Topic", Operation: "UPDATE", Reason: "the topic is stuck"})
		l.breaks()
	}
	p.each(stuck)
	p.together(t, "UPDATE_FAILED", cli(false, stop...), deployed(1, "UPDATE_FAILED", "--stacks", "Base", "--no-rollback"))
	p.together(t, "UPDATE_ROLLBACK_FAILED", attempt("rollback", "Base"), back(1, "the topic is stuck"))
	p.together(t, "UPDATE_ROLLBACK_COMPLETE", cli(true, "rollback", "Base", "--orphan", "Topic"), back(0, "rolled back", "--orphan", "Topic"))

	p.each(stuck)
	p.together(t, "UPDATE_FAILED", cli(false, stop...), deployed(1, "UPDATE_FAILED", "--stacks", "Base", "--no-rollback"))
	p.together(t, "UPDATE_ROLLBACK_COMPLETE", forced, back(0, "rolled back", "--force"))
	p.each(func(l life) { assert.Empty(t, l.Unknown()) })
}
