package config

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// Former are the default names of earlier versions, before names were derived from
// the name of the pipeline. They are those of the product's predecessor, and still
// the names that are derived from its name.
func Former() Fallback {
	return Fallback{
		WorkflowTemplateName: "aphex-pipeline-template", EventSourceName: "github", SensorName: "aphex-pipeline-sensor",
		ServiceAccountName: "workflow-executor", WorkflowNamePrefix: "aphex-pipeline-",
	}
}

const formerBucket = "aphex-pipeline-artifacts-"

// derive sets the values that are derived from other keys. It runs again if one of
// these is set later.
func (c *Config) derive() {
	if c.ClusterExportPrefix == "" && c.ClusterName != "" {
		c.ClusterExportPrefix = "AphexCluster-" + c.ClusterName + "-"
	}
	for key, name := range c.names() {
		if *name == "" && c.leftOut == nil {
			c.leftOut = map[string]bool{}
		}
		if *name == "" {
			c.leftOut[key] = true
		}
	}
	if c.leftOut["workflowTemplateName"] {
		c.WorkflowTemplateName = templateOf(c.GithubRepo)
	}
	for key, name := range c.names() {
		if c.leftOut[key] && key != "workflowTemplateName" {
			*name = following(c.WorkflowTemplateName, key)
		}
	}
}

// names are the keys for the names of the pipeline's objects in its cluster.
func (c *Config) names() map[string]*string {
	return map[string]*string{
		"workflowTemplateName": &c.WorkflowTemplateName, "eventSourceName": &c.EventSourceName, "sensorName": &c.SensorName,
		"serviceAccountName": &c.ServiceAccountName, "workflowNamePrefix": &c.WorkflowNamePrefix,
	}
}

// templateOf is the name of the pipeline of a repository; GitHub's names are
// case-insensitive.
func templateOf(repository string) string {
	if repository == "" {
		return Former().WorkflowTemplateName
	}
	return follow("", strings.ToLower(repository), "", rules()["templateName"].most)
}

// following is the name that is derived from that of the pipeline. It is unique,
// even if the name of one pipeline ends like a derived name of another, as the
// suffixes of one kind of object differ.
func following(template, key string) string {
	former := Former()
	if template == former.WorkflowTemplateName {
		return map[string]string{
			"eventSourceName": former.EventSourceName, "sensorName": former.SensorName,
			"serviceAccountName": former.ServiceAccountName, "workflowNamePrefix": former.WorkflowNamePrefix,
		}[key]
	}
	switch key {
	case "eventSourceName":
		return follow("", template, "", rules()["eventSourceName"].most)
	case "sensorName":
		return follow("", template, "-sensor", rules()["kubernetesName"].most)
	case "serviceAccountName":
		return follow("", template, "-deploy", rules()["kubernetesName"].most)
	default:
		return follow("", template, "-", rules()["namePrefix"].most)
	}
}

// Bucket is the name of the artifact bucket of a pipeline in the account and
// region.
func (c *Config) Bucket(account, region string) string {
	place := "-" + account + "-" + region
	switch {
	case c.ArtifactBucketName != "":
		return c.ArtifactBucketName
	case c.WorkflowTemplateName == Former().WorkflowTemplateName:
		return formerBucket + place[1:]
	}
	return follow("aphex-", c.WorkflowTemplateName, place, rules()["bucketName"].most)
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// follow adds a prefix and a suffix to a name. If the name is too long, or must be
// changed, eight digits of its digest keep the result unique, and also if the
// result would be one of the former names.
func follow(begin, name, end string, most int) string {
	readable := strings.Trim(notInName.ReplaceAllString(name, "-"), "-")
	if begin == "" && readable != "" && readable[0] <= '9' {
		readable = "p" + readable
	}
	whole := begin + readable + end
	if readable == name && len(whole) <= most && !isFormer(whole) {
		return whole
	}
	sum := sha256.Sum256([]byte(name))
	digits := hex.EncodeToString(sum[:4])
	readable = strings.TrimRight(readable[:max(0, min(len(readable), most-len(begin)-len(end)-len(digits)-1))], "-")
	if readable == "" {
		readable = "p"
	}
	return begin + readable + "-" + digits + end
}

func isFormer(name string) bool {
	former := Former()
	return strings.HasPrefix(name, formerBucket) ||
		slices.Contains([]string{former.EventSourceName, former.SensorName, former.ServiceAccountName, former.WorkflowNamePrefix}, name)
}
