package install

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// BuildKit is the image of the image builder, unless another is chosen.
const BuildKit = "docker.io/moby/buildkit:v0.34.2-rootless"

// ImageBuilder says whether to install a BuildKit for the pipeline. One that is installed is
// kept as it is.
type ImageBuilder struct {
	Install bool
	Image   string // "" is that of the installed one, else BuildKit
}

// builder is the BuildKit of a pipeline; nil if it has none.
type builder struct {
	image        string
	certificates certificates
	unread       string // the Secret with certificates that this user may not read; "" if none is
	digest       string // of the certificates that its pod is to read
	renewed      bool   // whether the certificates are new
}

// ImageBuilderSettings are what a configuration needs for the installed BuildKit.
type ImageBuilderSettings struct{ Address, Secret string }

func (t *Target) deploymentOfBuilder() manifest.Object {
	return manifest.Object{Kind: "Deployment", Namespace: t.names().ImageBuilder, Name: plan.ImageBuilder}
}

// secretsOfBuilder name the Secrets of the BuildKit and of its client.
func (t *Target) secretsOfBuilder() (server, client manifest.Object) {
	names := t.names()
	return manifest.Object{Kind: "Secret", Namespace: names.ImageBuilder, Name: plan.ImageBuilder},
		manifest.Object{Kind: "Secret", Namespace: t.Config.ArgoNamespace, Name: names.ImageBuilder}
}

// findBuilder looks for the BuildKit of the pipeline.
func (t *Target) findBuilder(ctx context.Context) error {
	installed, err := t.Cluster.Deployed(ctx, t.deploymentOfBuilder())
	if err != nil || installed == nil && !t.ImageBuilder.Install {
		t.builder = nil
		return err
	}
	t.builder = &builder{image: cmp.Or(t.ImageBuilder.Image, BuildKit)}
	if installed != nil {
		t.builder.image = cmp.Or(t.ImageBuilder.Image, installed.Image, BuildKit)
	}
	server, client := t.secretsOfBuilder()
	if t.builder.certificates.server, err = t.readCertificates(ctx, server); err != nil {
		return err
	}
	if t.builder.certificates.client, err = t.readCertificates(ctx, client); err != nil {
		return err
	}
	switch {
	case t.builder.certificates.server != nil:
		t.builder.digest = t.builder.certificates.digest()
	case installed != nil: // there are none, or this user may not read them
		t.builder.digest = installed.Annotations[argo.AnnotationCertificates]
	}
	return nil
}

// readCertificates returns the data of a Secret, and notes one that this user may not read.
func (t *Target) readCertificates(ctx context.Context, secret manifest.Object) (map[string][]byte, error) {
	data, readable, err := t.Cluster.ReadSecret(ctx, secret)
	if err == nil && !readable {
		t.builder.unread = secret.String() + " in namespace " + secret.Namespace
	}
	return data, err
}

// renewCertificates replaces certificates that are missing, that do not belong together, or
// that are in their second half. They are not in the cluster yet.
func (t *Target) renewCertificates() (err error) {
	if t.builder != nil && t.builder.unread != "" {
		return errs.Invalidf("the certificates of the image builder cannot be read: your Kubernetes credentials may not get %s", t.builder.unread).
			WithHint("ask for that permission, or let somebody who has it run generator bootstrap")
	}
	if t.builder == nil || t.now().Add(renewedBeforeEnd).Before(t.builder.certificates.end(t.names().ImageBuilderHost())) {
		return nil
	}
	t.builder.renewed = true
	t.builder.certificates, err = newCertificates(t.names().ImageBuilderHost(), t.now())
	t.builder.digest = t.builder.certificates.digest()
	return err
}

func (t *Target) now() time.Time {
	if t.Cluster.Now == nil {
		return time.Now()
	}
	return t.Cluster.Now()
}

// objectsOfBuilder renders the objects of the BuildKit, if the pipeline has one.
func (t *Target) objectsOfBuilder() ([]manifest.Object, error) {
	if t.builder == nil {
		return nil, nil
	}
	return argo.ImageBuilderObjects(t.Config, t.Place, argo.ImageBuilder{Image: t.builder.image, Certificates: t.builder.digest})
}

// putCertificates writes new certificates to the cluster, before the objects: the BuildKit
// reads them when it starts.
func (t *Target) putCertificates(ctx context.Context, objects []manifest.Object, r Reporter) error {
	if t.builder == nil || !t.builder.renewed {
		return nil
	}
	r.Started(Certificates, t.names().ImageBuilder)
	for _, object := range objects {
		if object.Kind == "Namespace" {
			if _, err := t.Cluster.Update(ctx, []manifest.Object{object}); err != nil {
				return err
			}
		}
	}
	server, client := t.secretsOfBuilder()
	for _, secret := range []kube.Certificates{
		{Object: server, Pipeline: t.names().Pipeline, Data: t.builder.certificates.server},
		{Object: client, Pipeline: t.names().Pipeline, Data: t.builder.certificates.client},
	} {
		action, err := t.Cluster.PutCertificates(ctx, secret)
		if err != nil {
			return err
		}
		r.Changed(Certificates, manifest.Change{Object: secret.Object.String() + " in namespace " + secret.Object.Namespace, Action: action})
	}
	return nil
}

// awaitBuilder waits until the BuildKit answers.
func (t *Target) awaitBuilder(ctx context.Context, r Reporter) error {
	if t.builder == nil {
		return nil
	}
	r.Started(Builder, t.names().ImageBuilder)
	return t.Cluster.AwaitDeployed(ctx, t.deploymentOfBuilder())
}

// builderSettings returns what the configuration needs for the BuildKit; nil without one.
func (t *Target) builderSettings() *ImageBuilderSettings {
	if t.builder == nil {
		return nil
	}
	return &ImageBuilderSettings{Address: t.names().ImageBuilderAddress(), Secret: t.names().ImageBuilder}
}

// checkBuilder checks the BuildKit of the pipeline, if it has one.
func (t *Target) checkBuilder(ctx context.Context) []kube.Check {
	namespace := t.names().ImageBuilder
	check := kube.Check{What: "image builder in namespace " + namespace}
	if err := t.findBuilder(ctx); err != nil {
		return []kube.Check{failedCheck(check.What, err, "kubectl get deployment "+plan.ImageBuilder+" -n "+namespace)}
	}
	installed, err := t.Cluster.Deployed(ctx, t.deploymentOfBuilder())
	if err != nil || installed == nil {
		return nil
	}
	const renew = "generator bootstrap makes new ones; the runs in progress then lose the image builder"
	end := t.builder.certificates.end(t.names().ImageBuilderHost())
	unread := t.builder.unread
	switch left := end.Sub(t.now()); {
	case end.IsZero() && unread == "":
		check.Problem, check.Fix = "its certificates are missing, or those of its client do not belong to them", renew
	case left <= 0 && unread == "":
		check.Problem, check.Fix = "its certificates ended "+end.UTC().Format(time.RFC3339), renew
	case !installed.Ready:
		check.Problem = "its pod is not ready: no image asset can be built"
		check.Fix = fmt.Sprintf("kubectl describe pods -n %s; kubectl logs deployment/%s -n %s", namespace, plan.ImageBuilder, namespace)
	case unread != "":
		check.Warning, check.Problem = true, "its certificates cannot be checked: your Kubernetes credentials may not get "+unread
		check.Fix = "run generator doctor with credentials that may"
	case left < warnedBeforeEnd:
		check.Warning, check.Problem, check.Fix = true, "its certificates end "+end.UTC().Format(time.RFC3339), renew
	}
	return []kube.Check{check}
}
