package template

// Template is a well-formed template. All maps are by logical name.
type Template struct {
	Description string
	Metadata    any
	Transforms  []string // such as AWS::LanguageExtensions
	Parameters  map[string]Parameter
	Mappings    map[string]any
	Conditions  map[string]any
	Rules       map[string]Rule
	Resources   map[string]Resource
	Outputs     map[string]Output
}

// Parameter declares one parameter.
type Parameter struct {
	Type                  string
	Default               *string // nil: a value must be given
	NoEcho                bool
	Description           string
	AllowedValues         []string
	AllowedPattern        string
	ConstraintDescription string
	MinLength, MaxLength  string // empty: no limit
	MinValue, MaxValue    string
}

// Rule is a check of parameter values before anything is done.
type Rule struct {
	Condition  any // nil: always
	Assertions []Assertion
}

// Assertion is one condition of a rule and what to say when it is false.
type Assertion struct {
	Assert      any
	Description string
}

// Resource declares one resource. Properties and policies are unevaluated.
type Resource struct {
	Type                string
	Condition           string
	DependsOn           []string
	Properties          map[string]any
	Metadata            any
	CreationPolicy      any
	UpdatePolicy        any
	DeletionPolicy      any // nil, a string, or a function of one
	UpdateReplacePolicy any
}

// Output declares one output. An Export of nil exports nothing.
type Output struct {
	Description any
	Value       any
	Export      any
	Condition   string
}
