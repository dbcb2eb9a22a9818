package stage

import (
	"encoding/json"
	"fmt"
)

// RemovedStack is a stack that an earlier run deployed, that no environment of the
// commit deploys any more, and that still exists or could not be checked.
type RemovedStack struct {
	Environment string `json:"environment"` // target of the deployment
	Stack       string `json:"stack"`       // construct path
	Name        string `json:"name"`        // in CloudFormation
	Account     string `json:"account"`
	Region      string `json:"region"`
	Reason      string `json:"reason"`            // why no environment deploys it: "is not in the app any more"
	Status      string `json:"status,omitempty"`  // in CloudFormation
	Unknown     string `json:"unknown,omitempty"` // why its existence could not be checked
	Key         string `json:"key"`               // of its object in the artifact bucket
}

// Outputs of the pipeline's own step: what the run does not deploy, and who asked for it.
const (
	RemovedOutput    = "removed"    // the stacks that were removed
	UndeployedOutput = "undeployed" // stacks of the app that no environment deploys
	UnreachedOutput  = "unreached"  // environments of the commit that the run does not deploy
	AttestedOutput   = "attested"   // whether the API server compared who asked for the run with the name
)

// String describes the stack and how to delete it.
func (r RemovedStack) String() string {
	text := fmt.Sprintf("%s in %s %s was deployed by an earlier run (environment %s) and %s; ", r.Name, r.Account, r.Region, r.Environment, r.Reason)
	if r.Unknown != "" {
		return text + fmt.Sprintf("checking whether it still exists failed: %s; if it does not, delete its entry in %s in the bucket", r.Unknown, r.Key)
	}
	return text + fmt.Sprintf("it still exists (%s); delete it with: aws cloudformation delete-stack --stack-name %s --region %s", r.Status, r.Name, r.Region)
}

// ParseRemoved parses the output of a step. It returns nil for anything but a list.
func ParseRemoved(output string) (stacks []RemovedStack) {
	if json.Unmarshal([]byte(output), &stacks) != nil {
		return nil
	}
	return stacks
}
