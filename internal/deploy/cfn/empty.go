package cfn

import (
	"encoding/json"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// isEmpty reports whether a template has no resources, which CloudFormation rejects.
func isEmpty(template []byte) bool {
	var doc struct{ Resources map[string]json.RawMessage }
	return json.Unmarshal(template, &doc) == nil && len(doc.Resources) == 0
}

// skipEmpty skips a stack without resources, as the CDK CLI does. If it is
// deployed, the CLI deletes it; here that is an error, so that a person decides.
func (d *deployment) skipEmpty(exists bool) error {
	if exists {
		return errs.Failedf("stack %q is deployed, but has no resources in the app any more", d.goal.Name).
			WithHint("remove it with `cdk destroy`, and then from the app and the configuration")
	}
	d.result.Action = Unchanged
	d.notify(Event{Phase: Comparing, Text: "it has no resources; there is nothing to deploy"})
	return nil
}
