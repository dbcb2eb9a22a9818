package assembly

import "strings"

// Schema is the newest cloud assembly schema that this package reads; an app
// that asks for a newer one is refused, as its assembly could mean things that
// this package does not know.
const Schema = 55

// Assembly is what one run of a CDK app wrote.
type Assembly struct {
	Dir     string    // absolute path of the folder
	Version string    // schema version, such as "55.0.0"
	Stacks  []Stack   // all stacks, those of nested assemblies (CDK Stages) after those of the outer one
	Missing []Missing // context that the app needs and did not have; deploying such an assembly is wrong

	// Flags are the feature flags that the app's version of the CDK knows, with
	// the values that are in force: mostly true or nil. nil where the app does
	// not tell its flags.
	Flags map[string]any
}

// Missing is one context value that the app asked for.
type Missing struct {
	Key      string         `json:"key"`
	Provider string         `json:"provider"`
	Props    map[string]any `json:"props"`
}

// Stack is one CloudFormation stack that the app defines. Texts may hold the
// placeholders that Placeholders replaces, unless said otherwise.
type Stack struct {
	ID          string      // artifact id, unique in the assembly, such as "ProdEdgeStackF45B1510"
	Name        string      // name of the stack in CloudFormation; no placeholders
	Path        string      // construct path, such as "Prod/EdgeStack"; no placeholders
	Environment Environment // where it is to be deployed
	Template    string      // absolute path of the template; no placeholders
	TemplateURL string      // "s3://bucket/key" under which publishing its assets puts the template; may be empty
	Parameters  map[string]string
	Tags        map[string]string

	// NotificationARNs are the topics that CloudFormation tells about the
	// stack; nil leaves those of a deployed stack alone, empty removes them.
	NotificationARNs      []string
	TerminationProtection bool

	DeployRole    Role   // entered to call CloudFormation; its ARN may be empty
	ExecutionRole string // ARN that CloudFormation itself takes on; may be empty
	LookupRole    Role   // entered to read only; its ARN may be empty
	Bootstrap     Bootstrap

	After    []string         // ids of the stacks that must be deployed first
	Assets   []*AssetManifest // what must be published first
	Messages []Message        // annotations of its constructs

	// Legacy are assets of the legacy stack synthesizer, whose place only the
	// bootstrap stack knows; see LegacyAssets.
	Legacy []LegacyAsset

	// Err says what of the stack cannot be used. It matters to whoever deploys
	// this stack, and to nobody else; the other fields may be empty then.
	Err error

	constructs map[string][]string // logical id to construct paths
	sources    map[string]string   // construct path to "file:line"
}

// Environment is an account and a region; either is empty where the app left it open.
type Environment struct {
	Account string
	Region  string
}

// String gives the CDK's notation, such as "aws://111111111111/eu-west-1".
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

// Role is a role to enter.
type Role struct {
	ARN        string
	ExternalID string
	Tags       map[string]string // session tags
}

// Bootstrap is what must be in the account and region before anything else.
type Bootstrap struct {
	MinVersion int    // least version of the bootstrap stack; 0 asks for nothing
	Parameter  string // name of the SSM parameter that holds the version
}

// Level is how much a message matters.
type Level string

const (
	// Info is for reading only.
	Info Level = "info"
	// Warning is shown.
	Warning Level = "warning"
	// Failure stops the deployment.
	Failure Level = "error"
)

// Message is an annotation that the app put on a construct.
type Message struct {
	Level  Level
	Path   string // construct path
	Text   string
	Source string // "file:line" that made the construct, for people; may be empty
}

// Placeholders are the values known only when the account is known.
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

// Role gives the role with its placeholders replaced.
func (p Placeholders) Role(role Role) Role {
	role.ARN = p.Resolve(role.ARN)
	role.ExternalID = p.Resolve(role.ExternalID)
	return role
}

// Stack gives the stack with the given artifact id.
func (a *Assembly) Stack(id string) (Stack, bool) {
	for _, stack := range a.Stacks {
		if stack.ID == id {
			return stack, true
		}
	}
	return Stack{}, false
}
