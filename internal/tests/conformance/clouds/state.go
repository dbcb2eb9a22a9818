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

	"github.com/aphex/aphex-pipeline/awssim"
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
	var all []found
	for _, place := range places {
		stacks, err := r.findStacks(ctx, place[0], place[1])
		if err != nil {
			return s, fmt.Errorf("reading the stacks of account %s in %s: %w", place[0], place[1], err)
		}
		all = append(all, stacks...)
		if err := r.addObjects(ctx, s.Objects, place[0], place[1]); err != nil {
			return s, fmt.Errorf("reading the assets of account %s in %s: %w", place[0], place[1], err)
		}
		images, err := r.images(ctx, place[0], place[1])
		if err != nil {
			return s, fmt.Errorf("reading the images of account %s in %s: %w", place[0], place[1], err)
		}
		s.Images = append(s.Images, images...)
	}
	for _, one := range all {
		s.Stacks[one.name] = one.describe(cleaner(one, all))
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

// found is a stack as CloudFormation describes it.
type found struct {
	name      string // account, region and name; of a nested stack its parent's with its logical id
	stack     cfntypes.Stack
	resources []cfntypes.StackResource
	template  string
}

// findStacks finds all stacks of a place but those of the bootstrap.
func (r reader) findStacks(ctx context.Context, account, region string) (all []found, err error) {
	api := cloudformation.NewFromConfig(r.as(account, region))
	pages := cloudformation.NewDescribeStacksPaginator(api, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, stack := range page.Stacks {
			if stack.ParentId == nil && !strings.HasPrefix(*stack.StackName, "CDKToolkit") {
				if all, err = findStack(ctx, all, api, account+"/"+region+"/"+*stack.StackName, stack); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// findStack adds a stack and the stacks nested in it.
func findStack(ctx context.Context, all []found, api *cloudformation.Client, name string, stack cfntypes.Stack) ([]found, error) {
	resources, err := api.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: stack.StackId})
	if err != nil {
		return nil, err
	}
	template, err := api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack.StackId, TemplateStage: cfntypes.TemplateStageOriginal})
	if err != nil {
		return nil, err
	}
	text, err := asJSON(*template.TemplateBody)
	if err != nil {
		return nil, err
	}
	all = append(all, found{name, stack, resources.StackResources, text})
	for _, resource := range resources.StackResources {
		if *resource.ResourceType != "AWS::CloudFormation::Stack" || aws.ToString(resource.PhysicalResourceId) == "" {
			continue
		}
		nested, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: resource.PhysicalResourceId})
		if err != nil {
			return nil, err
		}
		if all, err = findStack(ctx, all, api, name+"/"+*resource.LogicalResourceId, nested.Stacks[0]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// asJSON returns what a template says: the CLI sends YAML where it sends one inline.
func asJSON(template string) (string, error) {
	var content any
	if err := yaml.Unmarshal([]byte(template), &content); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(content, "", " ")
	return string(text), err
}

// describe returns what is not random of a stack.
func (f found) describe(clean func(*string) string) Stack {
	s := Stack{
		Status: string(f.stack.StackStatus), Description: aws.ToString(f.stack.Description), Role: aws.ToString(f.stack.RoleARN),
		Protected: aws.ToBool(f.stack.EnableTerminationProtection), Template: f.template,
		Parameters: map[string]string{}, Tags: map[string]string{}, Outputs: map[string]string{}, Exports: map[string]string{},
		Topics: slices.Sorted(slices.Values(f.stack.NotificationARNs)), Resources: map[string]string{},
	}
	for _, capability := range f.stack.Capabilities {
		s.Capabilities = append(s.Capabilities, string(capability))
	}
	slices.Sort(s.Capabilities)
	for _, parameter := range f.stack.Parameters {
		s.Parameters[*parameter.ParameterKey] = clean(parameter.ParameterValue) + " " + clean(parameter.ResolvedValue)
	}
	for _, tag := range f.stack.Tags {
		s.Tags[*tag.Key] = *tag.Value
	}
	for _, output := range f.stack.Outputs {
		s.Outputs[*output.OutputKey] = clean(output.OutputValue)
		s.Exports[*output.OutputKey] = aws.ToString(output.ExportName)
	}
	for _, resource := range f.resources {
		s.Resources[*resource.LogicalResourceId] = *resource.ResourceType + " " + string(resource.ResourceStatus)
	}
	return s
}

// randoms are what CloudFormation, CloudFront and Lambda draw for names and domains.
var randoms = regexp.MustCompile(`-[A-Z0-9]{12,13}\b|\bd[a-z0-9]{13}\.cloudfront\.net|\b[a-z0-9]{32}\.lambda-url\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// drawnLength is the least length of a physical id that is drawn: what is shorter
// the app chose, and it may be part of any text.
const drawnLength = 8

// cleaner returns a function that replaces what is random in a value of a stack:
// physical ids by the resources that have them, whichever stack they are of, as
// a value may have come from another one; and drawn parts of names. Of several
// resources with one physical id the stack's own is meant.
func cleaner(of found, all []found) func(*string) string {
	type word struct{ drawn, meaning string }
	words := []word{{*of.stack.StackId, "<stack>"}}
	add := func(f found, prefix string, least int) {
		for _, resource := range f.resources {
			if physical := aws.ToString(resource.PhysicalResourceId); len(physical) >= least {
				words = append(words, word{physical, "<" + prefix + *resource.LogicalResourceId + ">"})
			}
		}
	}
	add(of, "", 1)
	for _, other := range all {
		if other.name != of.name {
			words = append(words, word{*other.stack.StackId, "<" + other.name + ">"})
			add(other, other.name+"/", drawnLength)
		}
	}
	slices.SortStableFunc(words, func(a, b word) int { return len(b.drawn) - len(a.drawn) })
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w.drawn, w.meaning)
	}
	replacer := strings.NewReplacer(pairs...)
	return func(value *string) string {
		return randoms.ReplaceAllString(replacer.Replace(aws.ToString(value)), "-RANDOM")
	}
}

// changing are the calls whose callers must be the same.
var changing = []string{
	"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:UpdateTerminationProtection",
	"s3:PutObject", "ecr:GetAuthorizationToken",
}

// roles returns who made the calls that change something: role names by call.
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
