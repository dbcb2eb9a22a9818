package infra

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Names of a cluster's exports, after its prefix.
const (
	exportName     = "ClusterName"
	exportProvider = "OIDCProviderArn"
	exportKubectl  = "KubectlRoleArn"
	exportGroup    = "ClusterSecurityGroupId"
)

// Cluster holds the facts about a cluster that a pipeline needs.
type Cluster struct {
	Name            string `json:"name"`
	ProviderARN     string `json:"providerArn"`    // of the IAM OIDC provider
	KubectlRoleARN  string `json:"kubectlRoleArn"` // of the role that may administer it
	SecurityGroupID string `json:"securityGroupId"`
}

// Exports returns the names of the exports that have the facts about a cluster.
func Exports(prefix string) Cluster {
	return Cluster{prefix + exportName, prefix + exportProvider, prefix + exportKubectl, prefix + exportGroup}
}

// Discover finds a cluster among CloudFormation's exports, by name. The error
// names every export that is missing, and the most similar ones.
func Discover(exports map[string]string, prefix string) (Cluster, error) {
	var missing []string
	get := func(what string) string {
		value, found := exports[prefix+what]
		if !found {
			missing = append(missing, prefix+what)
		}
		return value
	}
	cluster := Cluster{get(exportName), get(exportProvider), get(exportKubectl), get(exportGroup)}
	if missing == nil {
		return cluster, nil
	}
	return Cluster{}, errs.Invalidf("CloudFormation exports no %s", strings.Join(missing, ", no ")).WithHint("%s", hintFor(exports, prefix))
}

// maxHints is the most prefixes that a hint names.
const maxHints = 5

// hintFor names the exported clusters, those with the most similar prefix first.
func hintFor(exports map[string]string, prefix string) string {
	var prefixes []string
	for name := range exports {
		if found, ok := strings.CutSuffix(name, exportProvider); ok {
			prefixes = append(prefixes, found)
		}
	}
	if prefixes == nil {
		return "no cluster is exported in this account and region; check that they are those of the cluster"
	}
	slices.SortFunc(prefixes, func(a, b string) int {
		if common := inCommon(b, prefix) - inCommon(a, prefix); common != 0 {
			return common
		}
		return strings.Compare(a, b)
	})
	return "set clusterExportPrefix to one of: " + strings.Join(prefixes[:min(len(prefixes), maxHints)], ", ")
}

// inCommon counts the characters of the longest common prefix and suffix of two texts,
// ignoring case.
func inCommon(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	front, back := 0, 0
	for front < min(len(a), len(b)) && a[front] == b[front] {
		front++
	}
	for back < min(len(a), len(b))-front && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	return front + back
}
