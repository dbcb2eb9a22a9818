package kube

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// program is a program that a cluster must run, with its lowest versions without
// known vulnerabilities.
type program struct {
	name, image string
	least       map[int]version // by major version
}

type version struct{ major, minor, patch int }

func (v version) below(other version) bool {
	return slices.Compare([]int{v.major, v.minor, v.patch}, []int{other.major, other.minor, other.patch}) < 0
}

// programs: Argo Workflows before these versions lets a Workflow override its template
// under Strict and Secure referencing; Argo Events before these lets an EventSource or a
// Sensor replace its pod's template.
var programs = []program{
	{"Argo Workflows", "workflow-controller", map[int]version{3: {3, 7, 15}, 4: {4, 0, 6}}},
	{"Argo Events", "argo-events", map[int]version{1: {1, 9, 6}}},
}

// check checks the version of the program among the images of all deployments.
func (p program) check(images []running, err error) Check {
	check := Check{What: p.name}
	if err != nil {
		return Check{What: p.name, Problem: "cannot read its version: " + err.Error(), Warning: true, Fix: "check that it is not below " + p.lowest()}
	}
	for _, found := range images {
		if !p.runsAs(found.image) {
			continue
		}
		image := found.image
		_, tag := splitImage(image)
		found, known := parseVersion(tag)
		check.What = p.name + " " + tag
		switch {
		case !known:
			check.Problem, check.Warning = fmt.Sprintf("cannot parse the version of the image %q", image), true
			check.Fix = "check that it is not below " + p.lowest()
		case p.vulnerable(found):
			check.Problem, check.Fix = "this version has known vulnerabilities", "update to "+p.lowest()+" or later"
		}
		return check
	}
	check.Problem, check.Fix = "no deployment runs the image "+p.image, "install "+p.name
	return check
}

// runsAs reports whether an image is the program's.
func (p program) runsAs(image string) bool {
	repository, _ := splitImage(image)
	return strings.HasSuffix(repository, "/"+p.image) || repository == p.image
}

func (p program) lowest() string {
	var texts []string
	for major := range 10 {
		if least, known := p.least[major]; known {
			texts = append(texts, fmt.Sprintf("%d.%d.%d", least.major, least.minor, least.patch))
		}
	}
	return strings.Join(texts, " or ")
}

// vulnerable reports whether a version is below the first fixed one of its major
// version, or older than all of them.
func (p program) vulnerable(found version) bool {
	least, known := p.least[found.major]
	if !known {
		return !slices.ContainsFunc(slices.Collect(maps.Keys(p.least)), func(major int) bool { return major < found.major })
	}
	return found.below(least)
}

var versionTag = regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)`)

func parseVersion(tag string) (version, bool) {
	parts := versionTag.FindStringSubmatch(tag)
	if parts == nil {
		return version{}, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(parts[i]); return n } // digits that fit
	return version{number(1), number(2), number(3)}, true
}

// splitImage returns the repository and the tag of an image.
func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon], image[colon+1:]
	}
	return image, ""
}

// running is an image that a deployment in a namespace runs.
type running struct{ namespace, image string }

// controllerImages lists the images of all deployments, of the whole cluster or
// of the given namespaces.
func (c Cluster) controllerImages(ctx context.Context, namespaces ...string) ([]running, error) {
	deployments := c.Client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"})
	list, err := deployments.List(ctx, metav1.ListOptions{})
	if err == nil {
		return imagesOf(list), nil
	}
	var images []running
	for _, namespace := range namespaces {
		list, err := deployments.Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		images = append(images, imagesOf(list)...)
	}
	return images, nil
}

func imagesOf(list *unstructured.UnstructuredList) []running {
	var images []running
	for _, item := range list.Items {
		containers, _, _ := unstructured.NestedSlice(item.Object, "spec", "template", "spec", "containers")
		for _, container := range containers {
			mapping, _ := container.(map[string]any)
			if image, ok := mapping["image"].(string); ok {
				images = append(images, running{item.GetNamespace(), image})
			}
		}
	}
	return images
}
