package argo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// mostBytes is the largest object that is rendered. The API server takes 1.5 MiB
// (etcd's limit of a request), and Argo keeps a copy of the template in every
// Workflow beside the states of its steps.
const mostBytes = 1 << 20

// versions is how many names the templates of one pipeline can have. The number
// is small so that a Role can list them all, and so give no right to the
// templates of others; it is large enough for the versions of eight days.
const versions = 256

// Taken reports whether a name is used by a template with another digest.
type Taken func(name, digest string) bool

func free(string, string) bool { return false }

// VersionName returns the name of a version of the template, from 0 to 255.
func VersionName(template string, version byte) string {
	return fmt.Sprintf("%s-%02x", template, version)
}

// versionNames lists all names that the versions of a template can have.
func versionNames(template string) []string {
	names := make([]string, 0, versions)
	for version := range versions {
		names = append(names, VersionName(template, byte(version)))
	}
	return names
}

// version renders the template under a name that follows from its content: a
// template that is in use is never changed, which Argo forbids under Secure
// template referencing, and which would change the topology of a run under way.
// The name stands in the template too, for a run to know the version that it is of.
func (r *renderer) version(p plan.Plan, taken Taken) (*wfv1.WorkflowTemplate, error) {
	template, err := r.template(p)
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("encoding workflow template %q: %w", template.Name, err)
	}
	if len(content) > mostBytes {
		return nil, errs.Invalidf("the workflow template of %s has %d bytes; the limit of a cluster is %d", count(len(r.cfg.Environments), "environment"), len(content), mostBytes).
			WithHint("move some of the environments to another pipeline")
	}
	sum := sha256.Sum256(content)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	for step := range versions {
		name := VersionName(template.Name, sum[0]+byte(step))
		if !taken(name, digest) {
			r.self = name
			if template, err = r.template(p); err != nil {
				return nil, err
			}
			template.Name = name
			template.Annotations[manifest.AnnotationDigest] = digest
			return template, nil
		}
	}
	return nil, errs.Failedf("all %d versions of workflow template %q are in use", versions, template.Name).
		WithHint("versions that no run uses are removed after eight days; try again later")
}
