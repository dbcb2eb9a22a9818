package iam

import (
	"net/url"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func (d *Directory) policyOperations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"CreatePolicy":        wire.Plain(d.createPolicy, "Description", "Path", "PolicyDocument", "PolicyName"),
		"CreatePolicyVersion": wire.Plain(d.createPolicyVersion, "PolicyArn", "PolicyDocument", "SetAsDefault"),
		"GetPolicy":           wire.Plain(d.getPolicy, "PolicyArn"),
		"GetPolicyVersion":    wire.Plain(d.getPolicyVersion, "PolicyArn", "VersionId"),
		"ListPolicies":        wire.Plain(d.listPolicies, "Scope"),
		"DeletePolicy":        wire.Plain(d.deletePolicy, "PolicyArn"),
	}
}

type policyResult struct{ Policy policyView }

type policyVersion struct {
	Document   string `xml:",omitempty"`
	VersionID  string `xml:"VersionId"`
	IsDefault  bool   `xml:"IsDefaultVersion"`
	CreateDate string
}

type policyVersionResult struct{ PolicyVersion policyVersion }

func (d *Directory) createPolicy(call *wire.Call) (any, error) {
	form := call.Form
	if err := call.Permit("iam:CreatePolicy", iamARN(call, "policy/"+form.Get("PolicyName"))); err != nil {
		return nil, err
	}
	p, err := d.CreatePolicy(call.Caller.Account, call.Partition(), Policy{
		Name: form.Get("PolicyName"), Path: form.Get("Path"), Description: form.Get("Description"), Document: form.Get("PolicyDocument"),
	})
	return policyResult{viewPolicy(p)}, err
}

// permitPolicy asks for the call's operation on the policy the form names,
// which is one of AWS's or of the caller's own account.
func permitPolicy(call *wire.Call) (arn string, err error) {
	arn = call.Form.Get("PolicyArn")
	if !reachable(call, arn) {
		return arn, noEntity("Policy %s was not found.", arn)
	}
	return arn, call.Permit("iam:"+call.Operation, arn)
}

func reachable(call *wire.Call, policy string) bool {
	_, ofAWS := awsManaged(policy)
	return ofAWS || accountOf(policy) == call.Caller.Account
}

func (d *Directory) createPolicyVersion(call *wire.Call) (any, error) {
	arn, err := permitPolicy(call)
	if err != nil {
		return nil, err
	}
	if call.Form.Get("SetAsDefault") != "true" {
		return nil, wire.Commonf(wire.ValidationFailed, "the simulator keeps one version of a policy: iam:CreatePolicyVersion needs SetAsDefault")
	}
	p, err := d.ChangePolicy(arn, call.Form.Get("PolicyDocument"))
	return policyVersionResult{viewVersion(p, "")}, err
}

func viewVersion(p Policy, document string) policyVersion {
	return policyVersion{
		Document: url.QueryEscape(document), VersionID: "v" + strconv.Itoa(p.Version), IsDefault: true,
		CreateDate: p.Updated.Format(time.RFC3339),
	}
}

func (d *Directory) getPolicy(call *wire.Call) (any, error) {
	arn, err := permitPolicy(call)
	if err != nil {
		return nil, err
	}
	p, err := d.Policy(arn)
	return policyResult{viewPolicy(p)}, err
}

func (d *Directory) getPolicyVersion(call *wire.Call) (any, error) {
	arn, err := permitPolicy(call)
	if err != nil {
		return nil, err
	}
	p, err := d.Policy(arn)
	if err != nil {
		return nil, err
	}
	if wanted := call.Form.Get("VersionId"); wanted != "v"+strconv.Itoa(p.Version) {
		return nil, noEntity("Policy %s version %s does not exist or is not attachable.", arn, wanted)
	}
	return policyVersionResult{viewVersion(p, p.Document)}, nil
}

// listPolicies lists the account's own policies.
func (d *Directory) listPolicies(call *wire.Call) (any, error) {
	if err := call.Permit("iam:ListPolicies", "*"); err != nil {
		return nil, err
	}
	if call.Form.Get("Scope") != "Local" {
		return nil, wire.Commonf(wire.ValidationFailed, "the simulator lists no policies of AWS: iam:ListPolicies needs the Scope Local")
	}
	var views []policyView
	for _, p := range d.Policies(call.Caller.Account) {
		views = append(views, viewPolicy(p))
	}
	return struct {
		Policies    []policyView `xml:"Policies>member"`
		IsTruncated bool
	}{Policies: views}, nil
}

func (d *Directory) deletePolicy(call *wire.Call) (any, error) {
	arn, err := permitPolicy(call)
	if err != nil {
		return nil, err
	}
	return nil, d.DeletePolicy(arn)
}
