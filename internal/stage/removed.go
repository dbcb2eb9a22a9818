package stage

import (
	"encoding/json"
	"fmt"
)

// RemovedStack is a stack that an earlier run deployed, that no environment of
// the commit deploys any more, and that still exists, as far as is known.
type RemovedStack struct {
	Environment string `json:"environment"` // that it was deployed to
	Stack       string `json:"stack"`       // construct path
	Name        string `json:"name"`        // in CloudFormation
	Account     string `json:"account"`
	Region      string `json:"region"`
	Reason      string `json:"reason"`            // why no environment deploys it: "is not in the app any more"
	Status      string `json:"status,omitempty"`  // in CloudFormation
	Unknown     string `json:"unknown,omitempty"` // why it could not be asked whether it exists
	Key         string `json:"key"`               // of the object in the bucket that remembers it
}

// Outputs of the pipeline's own step, by which it says what a run leaves out.
const (
	RemovedOutput    = "removed"    // the stacks that were removed
	UndeployedOutput = "undeployed" // stacks of the app that no environment deploys
	UnreachedOutput  = "unreached"  // environments of the commit that the run does not deploy
)

// String says what is known of the stack, and how to get rid of it.
func (r RemovedStack) String() string {
	text := fmt.Sprintf("%s in %s %s was deployed by an earlier run (environment %s) and %s; ", r.Name, r.Account, r.Region, r.Environment, r.Reason)
	if r.Unknown != "" {
		return text + fmt.Sprintf("whether it still exists could not be asked: %s; when it does not, take it out of %s in the bucket", r.Unknown, r.Key)
	}
	return text + fmt.Sprintf("it still exists (%s); delete it with: aws cloudformation delete-stack --stack-name %s --region %s", r.Status, r.Name, r.Region)
}

// ParseRemoved reads the output of a step; what is no list names none.
func ParseRemoved(output string) (stacks []RemovedStack) {
	if json.Unmarshal([]byte(output), &stacks) != nil {
		return nil
	}
	return stacks
}
