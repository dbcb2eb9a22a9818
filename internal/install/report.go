package install

import (
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Reporter shows the progress of a verb to a person. Its methods are called one
// at a time, in the order of the work.
type Reporter interface {
	// Checked reports the result of one check.
	Checked(check kube.Check)
	// Started reports that work on a part begins. The subject names the part; it
	// may be empty.
	Started(part Part, subject string)
	// Resource reports that CloudFormation is done with a resource of the stack.
	// The reason is empty unless it failed.
	Resource(status, logicalID, reason string)
	// Changed reports what became of a part, or of one object of it.
	Changed(part Part, change manifest.Change)
	// Ready reports that a push would start a run.
	Ready()
	// Note reports what is left to do or could not be checked.
	Note(text string)
}

// Part is a part of an installation.
type Part int

const (
	// Stack is the CloudFormation stack: bucket, roles and webhook secret.
	Stack Part = iota
	// Secret is the webhook secret in the cluster.
	Secret
	// Objects are the pipeline's objects in the cluster.
	Objects
	// Webhook is what receives pushes: the pods of EventSource and Sensor.
	Webhook
	// Address is where the webhook is reached from outside the cluster.
	Address
	// Bucket is the artifact bucket.
	Bucket
)

// kept is the action on a bucket that Delete leaves where it is.
const kept manifest.Action = "stays"
