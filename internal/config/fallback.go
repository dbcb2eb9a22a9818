package config

import "reflect"

// Fallback has values, from the command line, for keys that the file does not set.
// Empty values are ignored.
type Fallback struct {
	GithubOwner  string `json:"githubOwner"`
	GithubRepo   string `json:"githubRepo"`
	GithubHost   string `json:"githubHost"`
	GithubBranch string `json:"githubBranch"`
	ClusterName  string `json:"clusterName"`

	// Names of the installed pipeline, which it keeps.
	WorkflowTemplateName string `json:"workflowTemplateName"`
	EventSourceName      string `json:"eventSourceName"`
	SensorName           string `json:"sensorName"`
	ServiceAccountName   string `json:"serviceAccountName"`
	WorkflowNamePrefix   string `json:"workflowNamePrefix"`
	ArtifactBucketName   string `json:"artifactBucketName"`
}

// FillIn sets keys that are not set, that have their default, or whose value is
// derived, to the values of the fallback. Its error is Problems: all invalid values.
func (c *Config) FillIn(f Fallback) error {
	var wrong Problems
	given, target := reflect.ValueOf(f), reflect.ValueOf(c).Elem()
	for i := range given.NumField() {
		key, value := given.Type().Field(i).Tag.Get("json"), given.Field(i).String()
		known, _ := lookup(target.Type(), key)
		set := target.Field(known.index).String()
		switch {
		case value == "" || set != "" && set != known.initial && !c.leftOut[key]:
		case !holds(known.rule, value):
			wrong = append(wrong, Problem{Path: key, Message: key + " is " + quote(value) + ": expected " + describe(known.typ, known)})
		default:
			target.Field(known.index).SetString(value)
			delete(c.leftOut, key)
		}
	}
	c.derive()
	if wrong == nil {
		return nil
	}
	return wrong
}
