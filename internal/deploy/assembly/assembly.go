package assembly

import "strings"

// Schema is the newest cloud assembly schema that this package supports. A newer
// one is an error, as its assembly may have properties that this package ignores.
const Schema = 55

// Assembly is the output of one run of a CDK app.
type Assembly struct {
	Dir     string    // absolute path of the folder
	Version string    // schema version, such as "55.0.0"
	Stacks  []Stack   // all stacks, those of nested assemblies (CDK Stages) last
	Missing []Missing // missing context; such an assembly must not be deployed

	// Flags are the feature flags of the app's version of the CDK with their
	// effective values, mostly true or nil. It is nil if the app does not report its
	// flags.
	Flags map[string]any
}

// Missing is one missing context value.
type Missing struct {
	Key      string         `json:"key"`
	Provider string         `json:"provider"`
	Props    map[string]any `json:"props"`
}

// Stack is one CloudFormation stack of the app. Strings may have placeholders (see
// [Placeholders]), unless noted otherwise.
type Stack struct {
	ID          string      // artifact id, unique in the assembly, such as "ProdEdgeStackF45B1510"
	Name        string      // name of the stack in CloudFormation; no placeholders
	Path        string      // construct path, such as "Prod/EdgeStack"; no placeholders
	Environment Environment // account and region to deploy to
	Template    string      // absolute path of the template; no placeholders
	TemplateURL string      // "s3://bucket/key" of the published template; may be empty
	Parameters  map[string]string
	Tags        map[string]string

	// NotificationARNs are the topics for stack events; nil keeps those of a
	// deployed stack, empty removes them.
	NotificationARNs      []string
	TerminationProtection bool

	DeployRole    Role   // assumed to call CloudFormation; its ARN may be empty
	ExecutionRole string // ARN of the role that CloudFormation assumes; may be empty
	LookupRole    Role   // assumed to read only; its ARN may be empty
	Bootstrap     Bootstrap

	After    []string         // ids of the stacks that must be deployed first
	Assets   []*AssetManifest // what must be published first
	Messages []Message        // annotations of its constructs

	// Legacy are assets of the legacy stack synthesizer, which go to the bucket of
	// the bootstrap stack; see LegacyAssets.
	Legacy []LegacyAsset

	// Err is why the stack cannot be deployed. The other fields may then be empty.
	Err error

	constructs map[string][]string // logical id to construct paths
	sources    map[string]string   // construct path to "file:line"
}

// Environment is an account and a region; either is empty if the app does not set it.
type Environment struct {
	Account string
	Region  string
}

// String returns the CDK's notation, such as "aws://111111111111/eu-west-1".
func (e Environment) String() string {
	account, region := e.Account, e.Region
	if account == "" {
		account = unknownAccount
	}
	if region == "" {
		region = unknownRegion
	}
	return "aws://" + account + "/" + region
}

// Role is a role to assume.
type Role struct {
	ARN        string
	ExternalID string
	Tags       map[string]string // session tags
}

// Bootstrap is the required bootstrap of the account and region.
type Bootstrap struct {
	MinVersion int    // minimum version of the bootstrap stack; 0 requires none
	Parameter  string // name of the SSM parameter with the version
}

// Level is the severity of a message.
type Level string

const (
	// Info is not printed.
	Info Level = "info"
	// Warning is shown.
	Warning Level = "warning"
	// Failure stops the deployment.
	Failure Level = "error"
)

// Message is an annotation of a construct.
type Message struct {
	Level  Level
	Path   string // construct path
	Text   string
	Source string // "file:line" that creates the construct; may be empty
}

// Placeholders are the values of placeholders.
type Placeholders struct {
	Account   string
	Region    string
	Partition string // such as "aws" or "aws-cn"
}

// Resolve replaces the placeholders in text, such as `${AWS::AccountId}`.
func (p Placeholders) Resolve(text string) string {
	return strings.NewReplacer(
		"${AWS::AccountId}", p.Account,
		"${AWS::Region}", p.Region,
		"${AWS::Partition}", p.Partition,
	).Replace(text)
}

// Role returns the role with its placeholders replaced.
func (p Placeholders) Role(role Role) Role {
	role.ARN = p.Resolve(role.ARN)
	role.ExternalID = p.Resolve(role.ExternalID)
	return role
}

// Stack returns the stack with the given artifact id.
func (a *Assembly) Stack(id string) (Stack, bool) {
	for _, stack := range a.Stacks {
		if stack.ID == id {
			return stack, true
		}
	}
	return Stack{}, false
}
