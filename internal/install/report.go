package install

import (
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Reporter receives the progress of a verb. Its methods are called one at a time, in
// the order of the work.
type Reporter interface {
	// Checked reports the result of one check.
	Checked(check kube.Check)
	// Started reports that work on a part begins. The subject names the part; it
	// may be empty.
	Started(part Part, subject string)
	// Resource reports the final status of a resource of the stack.
	// The reason is empty unless it failed.
	Resource(status, logicalID, reason string)
	// Changed reports the change of a part, or of one of its objects.
	Changed(part Part, change manifest.Change)
	// Ready reports that the next push starts a run.
	Ready()
	// Note reports what remains to be done or could not be checked.
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
	// Webhook receives pushes: the pods of EventSource and Sensor.
	Webhook
	// Address is the address of the webhook outside the cluster.
	Address
	// Bucket is the artifact bucket.
	Bucket
	// Certificates are those of the BuildKit of the pipeline.
	Certificates
	// Builder is the BuildKit of the pipeline.
	Builder
)

// kept is the action on a bucket that Delete leaves where it is.
const kept manifest.Action = "stays"
