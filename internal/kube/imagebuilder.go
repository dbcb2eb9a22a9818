package kube

import (
	"cmp"
	"context"
	"encoding/base64"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Deployed is what a cluster says of a Deployment with one container.
type Deployed struct {
	Image       string            // of the container
	Ready       bool              // whether all of its pods are of this generation, and ready
	Annotations map[string]string // of its pods
}

// Deployed returns a Deployment; nil if there is none, or none that this user may read.
func (c Cluster) Deployed(ctx context.Context, deployment manifest.Object) (*Deployed, error) {
	u := reference(deployment)
	found, err := c.resource(u).Get(ctx, u.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, explain(u, err)
	}
	d := &Deployed{Ready: rolledOut(found, found.GetGeneration())}
	d.Annotations, _, _ = unstructured.NestedStringMap(found.Object, "spec", "template", "metadata", "annotations")
	containers, _, _ := unstructured.NestedSlice(found.Object, "spec", "template", "spec", "containers")
	for _, entry := range containers {
		if fields, ok := entry.(map[string]any); ok {
			d.Image, _, _ = unstructured.NestedString(fields, "image")
		}
	}
	return d, nil
}

// AwaitDeployed waits until all pods of a Deployment are of its present generation and ready.
func (c Cluster) AwaitDeployed(ctx context.Context, deployment manifest.Object) error {
	c.Patience = cmp.Or(c.Start, startOfReceiver)
	u := reference(deployment)
	return c.poll(ctx, u, "the pod of "+name(u)+" in namespace "+u.GetNamespace()+" is not ready", func(found *unstructured.Unstructured) (bool, error) {
		return rolledOut(found, found.GetGeneration()), nil
	})
}

// Certificates are a Secret with certificates and keys for a pipeline's BuildKit.
type Certificates struct {
	Object   manifest.Object
	Pipeline string
	Data     map[string][]byte
}

// ReadSecret returns the data of a Secret, and whether this user may read it; nil if there is
// none.
func (c Cluster) ReadSecret(ctx context.Context, secret manifest.Object) (data map[string][]byte, readable bool, err error) {
	u := reference(secret)
	found, err := c.resource(u).Get(ctx, u.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return nil, false, nil
	case apierrors.IsNotFound(err):
		return nil, true, nil
	case err != nil:
		return nil, false, explain(u, err)
	}
	encoded, _, _ := unstructured.NestedStringMap(found.Object, "data")
	data = map[string][]byte{}
	for key, value := range encoded {
		if data[key], err = base64.StdEncoding.DecodeString(value); err != nil {
			return nil, false, explain(u, err)
		}
	}
	return data, true, nil
}

// PutCertificates writes a Secret with certificates.
func (c Cluster) PutCertificates(ctx context.Context, s Certificates) (manifest.Action, error) {
	secret := reference(s.Object)
	secret.SetLabels(map[string]string{
		manifest.LabelManagedBy: manifest.ManagedBy, manifest.LabelPipeline: s.Pipeline, manifest.LabelComponent: manifest.ImageBuilder,
	})
	secret.Object["type"] = "Opaque"
	data := map[string]any{}
	for key, value := range s.Data {
		data[key] = base64.StdEncoding.EncodeToString(value)
	}
	secret.Object["data"] = data
	if err := c.checkOwner(ctx, secret); err != nil {
		return "", err
	}
	return c.put(ctx, secret, "")
}
