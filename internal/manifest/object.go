package manifest

import (
	"bytes"
	"fmt"
	"strings"
)

// Object is one Kubernetes object.
type Object struct {
	Kind      string // such as WorkflowTemplate
	Namespace string
	Name      string
	YAML      []byte // one document without a marker, ending with a newline
}

// String names the object as kubectl does: "workflowtemplate/shop".
func (o Object) String() string { return strings.ToLower(o.Kind) + "/" + o.Name }

// file is the object's name in a folder of objects.
func (o Object) file() string { return fmt.Sprintf("%s-%s.yaml", strings.ToLower(o.Kind), o.Name) }

// Stream joins objects to one YAML stream, as kubectl apply -f - reads it.
func Stream(objects []Object) []byte {
	var stream bytes.Buffer
	for i, object := range objects {
		if i > 0 {
			stream.WriteString("---\n")
		}
		stream.Write(object.YAML)
	}
	return stream.Bytes()
}

// Action says what applying an object did.
type Action string

// The values of Action.
const (
	Created   Action = "created"
	Changed   Action = "changed"
	Unchanged Action = "unchanged"
	Removed   Action = "removed"
)

// Change is what applying did to one object.
type Change struct {
	Object string `json:"object"` // "workflowtemplate/shop"
	Action Action `json:"action"`
}
