package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Document is one parsed policy. The zero value allows nothing.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one rule of a document. An action, a resource or a principal is
// either listed or excluded, never both.
type Statement struct {
	Sid          string
	Allow        bool
	Principals   *Principals
	Not          *Principals // NotPrincipal
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Conditions   []Condition
}

type rawDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement json.RawMessage
}

type rawStatement struct {
	Sid          string
	Effect       string
	Principal    *Principals
	NotPrincipal *Principals
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Condition    map[string]map[string]list
}

// Parse reads a policy document. The error names the invalid element, in
// the message of MalformedPolicyDocument.
func Parse(text string) (*Document, error) {
	var raw rawDocument
	if err := strict([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("syntax errors in policy: %w", err)
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return nil, fmt.Errorf("the policy version %q is not 2012-10-17 or 2008-10-17", raw.Version)
	}
	statements, err := parseStatements(raw.Statement)
	if err != nil {
		return nil, err
	}
	return &Document{Version: raw.Version, ID: raw.ID, Statements: statements}, nil
}

func parseStatements(raw json.RawMessage) ([]Statement, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, errors.New("syntax errors in policy: Statement is missing")
	}
	if raw[0] == '{' {
		raw = append(append([]byte{'['}, raw...), ']')
	}
	var rules []rawStatement
	if err := strict(raw, &rules); err != nil {
		return nil, fmt.Errorf("syntax errors in policy: Statement: %w", err)
	}
	if len(rules) == 0 {
		return nil, errors.New("syntax errors in policy: Statement is empty")
	}
	statements := make([]Statement, 0, len(rules))
	for i, rule := range rules {
		statement, err := rule.statement()
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		statements = append(statements, statement)
	}
	return statements, nil
}

func (r rawStatement) statement() (Statement, error) {
	switch {
	case r.Effect != "Allow" && r.Effect != "Deny":
		return Statement{}, fmt.Errorf("invalid effect: %q", r.Effect)
	case (len(r.Action) == 0) == (len(r.NotAction) == 0):
		return Statement{}, errors.New("policy statement must contain either Action or NotAction")
	case len(r.Resource) > 0 && len(r.NotResource) > 0:
		return Statement{}, errors.New("policy statement must not contain both Resource and NotResource")
	case r.Principal != nil && r.NotPrincipal != nil:
		return Statement{}, errors.New("policy statement must not contain both Principal and NotPrincipal")
	}
	if err := checkActions(append(append(list{}, r.Action...), r.NotAction...)); err != nil {
		return Statement{}, err
	}
	conditions, err := parseConditions(r.Condition)
	if err != nil {
		return Statement{}, err
	}
	return Statement{
		Sid: r.Sid, Allow: r.Effect == "Allow", Principals: r.Principal, Not: r.NotPrincipal,
		Actions: r.Action, NotActions: r.NotAction, Resources: r.Resource, NotResources: r.NotResource,
		Conditions: conditions,
	}, nil
}

func checkActions(actions []string) error {
	for _, action := range actions {
		if action != "*" && !strings.Contains(action, ":") {
			return fmt.Errorf("actions/conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %q", action)
		}
	}
	return nil
}

// list is a string or a list of strings; numbers and booleans count as their text.
type list []string

func (l *list) UnmarshalJSON(data []byte) error {
	var many []any
	if data[0] != '[' {
		data = append(append([]byte{'['}, data...), ']')
	}
	if err := json.Unmarshal(data, &many); err != nil {
		return err
	}
	for _, value := range many {
		text, err := scalar(value)
		if err != nil {
			return err
		}
		*l = append(*l, text)
	}
	return nil
}

func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return fmt.Sprintf("%t", v), nil
	case float64:
		text, err := json.Marshal(v)
		return string(text), err
	}
	return "", fmt.Errorf("a text was expected, not %v", value)
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("text after the end of the document")
	}
	return nil
}
