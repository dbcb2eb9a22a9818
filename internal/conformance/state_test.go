package conformance_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// state is what a deployment leaves in a cloud, without what is random.
type state struct {
	Stacks  map[string]stack  // by account, region and name; nested stacks by their parent and logical id
	Objects map[string]object // by bucket and key
	Images  []string          // repository:tag
	Roles   map[string][]string
}

// stack is what CloudFormation knows of a stack.
type stack struct {
	Status, Description, Role, Template string
	Protected                           bool
	Parameters, Tags, Outputs, Exports  map[string]string
	Topics, Capabilities                []string
	Resources                           map[string]string // type and status by logical id
}

// state looks at everything that deployments change.
func (c *cloud) state() state {
	c.t.Helper()
	s := state{Stacks: map[string]stack{}, Objects: map[string]object{}, Roles: c.roles()}
	for _, place := range places {
		c.addStacks(s.Stacks, place[0], place[1])
		c.addObjects(s.Objects, place[0], place[1])
		s.Images = append(s.Images, c.images(place[0], place[1])...)
	}
	return s
}

// addStacks adds all stacks of a place but those of the bootstrap.
func (c *cloud) addStacks(all map[string]stack, account, region string) {
	c.t.Helper()
	api := cloudformation.NewFromConfig(c.as(account, region))
	pages := cloudformation.NewDescribeStacksPaginator(api, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		require.NoError(c.t, err)
		for _, found := range page.Stacks {
			if found.ParentId == nil && !strings.HasPrefix(*found.StackName, "CDKToolkit") {
				c.addStack(all, api, account+"/"+region+"/"+*found.StackName, found)
			}
		}
	}
}

// addStack adds a stack and the stacks nested in it.
func (c *cloud) addStack(all map[string]stack, api *cloudformation.Client, name string, found cfntypes.Stack) {
	c.t.Helper()
	ctx := c.t.Context()
	resources, err := api.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: found.StackId})
	require.NoError(c.t, err)
	template, err := api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: found.StackId, TemplateStage: cfntypes.TemplateStageOriginal})
	require.NoError(c.t, err)
	clean := cleaner(*found.StackId, resources.StackResources)
	s := describe(found, clean)
	s.Template = asJSON(c.t, *template.TemplateBody)
	for _, resource := range resources.StackResources {
		s.Resources[*resource.LogicalResourceId] = *resource.ResourceType + " " + string(resource.ResourceStatus)
		if *resource.ResourceType != "AWS::CloudFormation::Stack" {
			continue
		}
		nested, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: resource.PhysicalResourceId})
		require.NoError(c.t, err)
		c.addStack(all, api, name+"/"+*resource.LogicalResourceId, nested.Stacks[0])
	}
	all[name] = s
}

// asJSON gives what a template says: the CLI sends YAML where it sends one inline.
func asJSON(t *testing.T, template string) string {
	t.Helper()
	var content any
	require.NoError(t, yaml.Unmarshal([]byte(template), &content))
	text, err := json.MarshalIndent(content, "", " ")
	require.NoError(t, err)
	return string(text)
}

func describe(found cfntypes.Stack, clean func(*string) string) stack {
	s := stack{
		Status: string(found.StackStatus), Description: aws.ToString(found.Description), Role: aws.ToString(found.RoleARN),
		Protected:  aws.ToBool(found.EnableTerminationProtection),
		Parameters: map[string]string{}, Tags: map[string]string{}, Outputs: map[string]string{}, Exports: map[string]string{},
		Topics: slices.Sorted(slices.Values(found.NotificationARNs)), Resources: map[string]string{},
	}
	for _, capability := range found.Capabilities {
		s.Capabilities = append(s.Capabilities, string(capability))
	}
	slices.Sort(s.Capabilities)
	for _, parameter := range found.Parameters {
		s.Parameters[*parameter.ParameterKey] = clean(parameter.ParameterValue) + " " + clean(parameter.ResolvedValue)
	}
	for _, tag := range found.Tags {
		s.Tags[*tag.Key] = *tag.Value
	}
	for _, output := range found.Outputs {
		s.Outputs[*output.OutputKey] = clean(output.OutputValue)
		s.Exports[*output.OutputKey] = aws.ToString(output.ExportName)
	}
	return s
}

// randoms are what CloudFormation, CloudFront and Lambda draw for names and domains.
var randoms = regexp.MustCompile(`-[A-Z0-9]{12,13}\b|\bd[a-z0-9]{13}\.cloudfront\.net|\b[a-z0-9]{32}\.lambda-url\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// cleaner gives a function that replaces what is random in a value of a stack:
// the physical ids of its resources, and drawn parts of names.
func cleaner(id string, resources []cfntypes.StackResource) func(*string) string {
	words := []string{id, "<stack>"}
	slices.SortFunc(resources, func(a, b cfntypes.StackResource) int {
		return len(aws.ToString(b.PhysicalResourceId)) - len(aws.ToString(a.PhysicalResourceId))
	})
	for _, resource := range resources {
		if physical := aws.ToString(resource.PhysicalResourceId); physical != "" {
			words = append(words, physical, "<"+*resource.LogicalResourceId+">")
		}
	}
	replacer := strings.NewReplacer(words...)
	return func(value *string) string {
		return randoms.ReplaceAllString(replacer.Replace(aws.ToString(value)), "-RANDOM")
	}
}

// changing are the calls whose callers must be the same.
var changing = []string{
	"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:UpdateTerminationProtection",
	"s3:PutObject", "ecr:GetAuthorizationToken",
}

// roles gives who made the calls that change something: role names by call.
func (c *cloud) roles() map[string][]string {
	callers := map[string]map[string]bool{}
	for _, record := range c.History() {
		call := record.Service + ":" + record.Operation
		if record.Code == "" && slices.Contains(changing, call) {
			if callers[call] == nil {
				callers[call] = map[string]bool{}
			}
			callers[call][roleOf(record.Caller)] = true
		}
	}
	roles := map[string][]string{}
	for call, names := range callers {
		roles[call] = slices.Sorted(maps.Keys(names))
	}
	return roles
}

// roleOf takes the name of the session off the ARN of a caller.
func roleOf(caller string) string {
	if at := strings.LastIndex(caller, "/"); at > 0 && strings.Contains(caller, ":assumed-role/") {
		return caller[:at]
	}
	return caller
}

// String is the state as text that can be compared line by line.
func (s state) String() string {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), `\n`, "\n")
}
