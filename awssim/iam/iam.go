package iam

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// IAM serves the identity service of the directory: what the AWS CLI and the CDK
// use.
func (d *Directory) IAM() wire.Service {
	operations := map[string]wire.Handler{
		"ListAccountAliases": wire.Plain(listAccountAliases),
	}
	maps.Copy(operations, d.roleOperations())
	maps.Copy(operations, d.rolePolicyOperations())
	maps.Copy(operations, d.policyOperations())
	maps.Copy(operations, d.providerOperations())
	return wire.Service{Name: "iam", Protocol: wire.Query, Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Operations: operations}
}

// listAccountAliases says where the caller is.
func listAccountAliases(call *wire.Call) (any, error) {
	if err := call.Permit("iam:ListAccountAliases", "*"); err != nil {
		return nil, err
	}
	return struct {
		Aliases     []string `xml:"AccountAliases>member"`
		IsTruncated bool
	}{Aliases: []string{"aphex-simulator-" + call.Caller.Account}}, nil
}

// iamARN is the ARN of something of the caller's IAM.
func iamARN(call *wire.Call, resource string) string {
	return "arn:" + call.Partition() + ":iam::" + call.Caller.Account + ":" + resource
}

type tag struct{ Key, Value string }

func tagList(tags map[string]string) []tag {
	var sorted []tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		sorted = append(sorted, tag{name, tags[name]})
	}
	return sorted
}

type roleView struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	ARN                      string `xml:"Arn"`
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryView `xml:",omitempty"`
	Tags                     []tag         `xml:"Tags>member"`
}

type boundaryView struct {
	Type string `xml:"PermissionsBoundaryType"`
	ARN  string `xml:"PermissionsBoundaryArn"`
}

func viewRole(role Role) roleView {
	view := roleView{
		Path: role.Path, RoleName: role.Name, RoleID: role.ID, ARN: role.ARN, CreateDate: role.Created.Format(time.RFC3339),
		AssumeRolePolicyDocument: url.QueryEscape(role.Trust), Description: role.Description,
		MaxSessionDuration: role.MaxSession, Tags: tagList(role.Tags),
	}
	if role.Boundary != "" {
		view.PermissionsBoundary = &boundaryView{Type: "PermissionsBoundaryPolicy", ARN: role.Boundary}
	}
	return view
}

type policyView struct {
	PolicyName       string
	PolicyID         string `xml:"PolicyId"`
	ARN              string `xml:"Arn"`
	Path             string
	DefaultVersionID string `xml:"DefaultVersionId"`
	IsAttachable     bool
	CreateDate       string
	UpdateDate       string
	Description      string `xml:",omitempty"`
}

func viewPolicy(p Policy) policyView {
	return policyView{
		PolicyName: p.Name, PolicyID: p.ID, ARN: p.ARN, Path: p.Path, DefaultVersionID: "v" + strconv.Itoa(p.Version),
		IsAttachable: true, CreateDate: p.Created.Format(time.RFC3339), UpdateDate: p.Updated.Format(time.RFC3339),
		Description: p.Description,
	}
}
