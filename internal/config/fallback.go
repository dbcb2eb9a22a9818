package config

import "reflect"

// Fallback has values for keys that the file does not set. Those with a help text are
// flags of the programs that load a file. Empty values are ignored.
type Fallback struct {
	GithubOwner  string `json:"githubOwner" help:"Owner of the repository, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	GithubRepo   string `json:"githubRepo" help:"Name of the repository, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	GithubHost   string `json:"githubHost" kong:"-"`
	GithubBranch string `json:"githubBranch" help:"Branch whose pushes are deployed, if the configuration does not set it." placeholder:"NAME" group:"Completion"`
	ClusterName  string `json:"clusterName" help:"Name of the cluster, if the configuration does not set it." placeholder:"NAME" group:"Completion"`

	// Names of the installed pipeline, which it keeps.
	WorkflowTemplateName string `json:"workflowTemplateName" kong:"-"`
	EventSourceName      string `json:"eventSourceName" kong:"-"`
	SensorName           string `json:"sensorName" kong:"-"`
	ServiceAccountName   string `json:"serviceAccountName" kong:"-"`
	WorkflowNamePrefix   string `json:"workflowNamePrefix" kong:"-"`
	ArtifactBucketName   string `json:"artifactBucketName" kong:"-"`
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
