// Package cloudcontrol implements the read operations of Cloud Control: it returns deployed
// resources of any type, with their properties and attributes.
package cloudcontrol

import (
	"encoding/json"
	"maps"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Resources answers from what is deployed.
type Resources struct{ Deployed inventory.Source }

// Service is Cloud Control.
func (c Resources) Service() wire.Service {
	return wire.Service{Name: "cloudcontrolapi", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"GetResource":   wire.Typed(c.get),
		"ListResources": wire.Typed(c.list),
	}}
}

type input struct {
	TypeName      string
	Identifier    string
	ResourceModel string // properties that a resource must have, as JSON
	MaxResults    int    // of a page: all are on one
}

// reads and lists are what Cloud Control calls with the caller's permissions to read a
// resource and to list resources, for the types that aws-cdk-lib looks up.
//
// Source: the "handlers" of the types' schemas in the CloudFormation registry.
var (
	reads = map[string][]string{
		"AWS::EC2::PrefixList": {"ec2:GetManagedPrefixListEntries", "ec2:DescribeManagedPrefixLists"},
		"AWS::ECR::Repository": {"ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource"},
		"AWS::IAM::Role":       {"iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"},
		"AWS::RDS::DBCluster":  {"rds:DescribeDBClusters"},
		"AWS::RDS::DBInstance": {"ec2:DescribeSecurityGroups", "rds:DescribeDBInstances"},
	}
	lists = map[string][]string{
		"AWS::EC2::PrefixList": {"ec2:DescribeManagedPrefixLists"},
		"AWS::ECR::Repository": {"ecr:DescribeRepositories"},
		"AWS::IAM::Role":       {"iam:ListRoles"},
		"AWS::RDS::DBCluster":  {"rds:DescribeDBClusters"},
		"AWS::RDS::DBInstance": {"rds:DescribeDBInstances"},
	}
)

func permit(call *wire.Call, action string, more []string) error {
	for _, action := range append([]string{action}, more...) {
		if err := call.Permit(action, "*"); err != nil {
			return err
		}
	}
	return nil
}

type description struct {
	Identifier string
	Properties string // JSON
}

func describe(r inventory.Resource) (description, error) {
	all := map[string]any{}
	maps.Copy(all, r.Attributes)
	maps.Copy(all, r.Properties)
	text, err := json.Marshal(all)
	return description{r.ID, string(text)}, err
}

func (c Resources) get(call *wire.Call, in input) (any, error) {
	if err := permit(call, "cloudformation:GetResource", reads[in.TypeName]); err != nil {
		return nil, err
	}
	for _, r := range c.Deployed(call.Caller.Account, call.Region, in.TypeName) {
		if r.ID == in.Identifier {
			found, err := describe(r)
			return map[string]any{"TypeName": in.TypeName, "ResourceDescription": found}, err
		}
	}
	return nil, wire.Errorf("ResourceNotFoundException", "Resource of type '%s' with identifier '%s' was not found.", in.TypeName, in.Identifier)
}

func (c Resources) list(call *wire.Call, in input) (any, error) {
	if err := permit(call, "cloudformation:ListResources", lists[in.TypeName]); err != nil {
		return nil, err
	}
	model := map[string]any{}
	if in.ResourceModel != "" {
		if err := json.Unmarshal([]byte(in.ResourceModel), &model); err != nil {
			return nil, wire.Errorf("InvalidRequestException", "ResourceModel is no JSON object: %s", err)
		}
	}
	found := []description{}
	for _, r := range c.Deployed(call.Caller.Account, call.Region, in.TypeName) {
		fits := true
		for name, value := range model {
			text, ok := value.(string)
			fits = fits && (!ok || r.Text(name) == text)
		}
		if !fits {
			continue
		}
		one, err := describe(r)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return map[string]any{"TypeName": in.TypeName, "ResourceDescriptions": found}, nil
}
