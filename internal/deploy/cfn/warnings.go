package cfn

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// lookLimit bounds what is read only to explain.
const lookLimit = 5 * time.Second

// warningAttempts bounds the attempts to read warnings: deployments come first where AWS throttles.
const warningAttempts = 5

// warningLimit bounds the time to read warnings, which is that of the deployment.
const warningLimit = 30 * time.Second

// warnings returns what early validation and hooks warn of in a change set that can be
// executed. It is best effort: without the permission there are none.
func (d *deployment) warnings(ctx context.Context, set *cloudformation.DescribeChangeSetOutput) (found []Finding) {
	ctx, cancel := context.WithTimeout(ctx, warningLimit)
	defer cancel()
	d.addWarnings(ctx, failedChangeSet{stackID: aws.ToString(set.StackId), id: aws.ToString(set.ChangeSetId)}, &found)
	for _, change := range changesOf(set.Changes) {
		if change.changeSet != "" {
			d.addWarnings(ctx, failedChangeSet{id: change.changeSet, nested: []string{change.LogicalID}}, &found)
		}
	}
	return found
}

func (d *deployment) addWarnings(ctx context.Context, of failedChangeSet, found *[]Finding) {
	if d.options.Budget.take(ctx) != nil {
		return
	}
	all, _ := d.findings(ctx, of, func(o *cloudformation.Options) { o.RetryMaxAttempts = warningAttempts })
	for _, f := range all {
		same := func(other Finding) bool { return slices.Equal(f.Lines(), other.Lines()) }
		if f.Warning && !slices.ContainsFunc(*found, same) {
			*found = append(*found, f)
		}
	}
}

// warn reports warnings.
func (d *deployment) warn(found []Finding) {
	d.result.Warnings = found
	for _, f := range found {
		d.notify(Event{Phase: Warning, Text: f.Line()})
	}
}

// takeWarnings reports the warnings if they have been read.
func (d *deployment) takeWarnings() {
	select {
	case found := <-d.warned:
		d.warned = nil
		d.warn(found)
	default:
	}
}

// awaitWarnings reports the warnings unless that was done.
func (d *deployment) awaitWarnings() {
	if d.warned != nil {
		d.warn(<-d.warned)
		d.warned = nil
	}
}
