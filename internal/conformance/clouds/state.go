package clouds

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/awssim"
)

// State is what deployments leave in a cloud, without what is random.
type State struct {
	Stacks  map[string]Stack    // by account, region and name; nested stacks by their parent and logical id
	Objects map[string]Object   // by bucket and key
	Images  []string            // repository:tag
	Roles   map[string][]string // who made the calls that change something
}

// Stack is what CloudFormation knows of a stack.
type Stack struct {
	Status, Description, Role, Template string
	Protected                           bool
	Parameters, Tags, Outputs, Exports  map[string]string
	Topics, Capabilities                []string
	Resources                           map[string]string // type and status by logical id
}

// reader looks into a cloud.
type reader struct {
	*awssim.Server
	qualifiers []string
}

// Read looks at everything that deployments change in some places, each an
// account and a region, and in the bootstraps with some qualifiers there.
func Read(ctx context.Context, sim *awssim.Server, places [][2]string, qualifiers ...string) (State, error) {
	r := reader{sim, qualifiers}
	s := State{Stacks: map[string]Stack{}, Objects: map[string]Object{}, Roles: r.roles()}
	for _, place := range places {
		if err := r.addStacks(ctx, s.Stacks, place[0], place[1]); err != nil {
			return s, fmt.Errorf("reading the stacks of account %s in %s: %w", place[0], place[1], err)
		}
		if err := r.addObjects(ctx, s.Objects, place[0], place[1]); err != nil {
			return s, fmt.Errorf("reading the assets of account %s in %s: %w", place[0], place[1], err)
		}
		images, err := r.images(ctx, place[0], place[1])
		if err != nil {
			return s, fmt.Errorf("reading the images of account %s in %s: %w", place[0], place[1], err)
		}
		s.Images = append(s.Images, images...)
	}
	return s, nil
}

// as is the SDK configuration of an account's administrator.
func (r reader) as(account, region string) aws.Config {
	key := r.AddAccount(account)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(r.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	}
}

// addStacks adds all stacks of a place but those of the bootstrap.
func (r reader) addStacks(ctx context.Context, all map[string]Stack, account, region string) error {
	api := cloudformation.NewFromConfig(r.as(account, region))
	pages := cloudformation.NewDescribeStacksPaginator(api, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, found := range page.Stacks {
			if found.ParentId == nil && !strings.HasPrefix(*found.StackName, "CDKToolkit") {
				if err := addStack(ctx, all, api, account+"/"+region+"/"+*found.StackName, found); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addStack adds a stack and the stacks nested in it.
func addStack(ctx context.Context, all map[string]Stack, api *cloudformation.Client, name string, found cfntypes.Stack) error {
	resources, err := api.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: found.StackId})
	if err != nil {
		return err
	}
	template, err := api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: found.StackId, TemplateStage: cfntypes.TemplateStageOriginal})
	if err != nil {
		return err
	}
	s := describe(found, cleaner(*found.StackId, resources.StackResources))
	if s.Template, err = asJSON(*template.TemplateBody); err != nil {
		return err
	}
	for _, resource := range resources.StackResources {
		s.Resources[*resource.LogicalResourceId] = *resource.ResourceType + " " + string(resource.ResourceStatus)
		if *resource.ResourceType != "AWS::CloudFormation::Stack" || aws.ToString(resource.PhysicalResourceId) == "" {
			continue
		}
		nested, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: resource.PhysicalResourceId})
		if err != nil {
			return err
		}
		if err := addStack(ctx, all, api, name+"/"+*resource.LogicalResourceId, nested.Stacks[0]); err != nil {
			return err
		}
	}
	all[name] = s
	return nil
}

// asJSON gives what a template says: the CLI sends YAML where it sends one inline.
func asJSON(template string) (string, error) {
	var content any
	if err := yaml.Unmarshal([]byte(template), &content); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(content, "", " ")
	return string(text), err
}

func describe(found cfntypes.Stack, clean func(*string) string) Stack {
	s := Stack{
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
func (r reader) roles() map[string][]string {
	callers := map[string]map[string]bool{}
	for _, record := range r.History() {
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
func (s State) String() string {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), `\n`, "\n")
}
