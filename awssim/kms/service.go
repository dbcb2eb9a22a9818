// Package kms implements the lookups of CDK apps in KMS, the keys that stacks have deployed
// and their aliases, and keys that sign: those for P-256 that CreateKey makes.
package kms

import (
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Keys answers from what is deployed, and from the keys that sign.
type Keys struct {
	Deployed inventory.Source
	Signing  *Store
}

// Service is KMS.
func (k Keys) Service() wire.Service {
	return wire.Service{Name: "kms", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"ListAliases": wire.Typed(k.listAliases),
		"DescribeKey": wire.Typed(k.describeKey),
		"CreateKey":   wire.Typed(k.Signing.create), "GetPublicKey": wire.Typed(k.Signing.publicKey),
		"Sign": wire.Typed(k.Signing.sign), "Verify": wire.Typed(k.Signing.verify),
	}}
}

type alias struct {
	Name   string `json:"AliasName"`
	ARN    string `json:"AliasArn"`
	Target string `json:"TargetKeyId"`
}

type input struct {
	KeyID string `json:"KeyId"`
	Limit int    // of a page: all are on one
}

// lastPart is the id of a key's ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func (k Keys) aliases(call *wire.Call) []alias {
	all := []alias{}
	for _, r := range k.Deployed(call.Caller.Account, call.Region, "AWS::KMS::Alias") {
		name := r.Text("AliasName")
		all = append(all, alias{Name: name, ARN: call.ARN("kms", name), Target: lastPart(r.Text("TargetKeyId"))})
	}
	return all
}

func (k Keys) listAliases(call *wire.Call, in input) (any, error) {
	if err := call.Permit("kms:ListAliases", "*"); err != nil {
		return nil, err
	}
	found := []alias{}
	for _, one := range k.aliases(call) {
		if in.KeyID == "" || lastPart(in.KeyID) == one.Target {
			found = append(found, one)
		}
	}
	return map[string]any{"Aliases": found, "Truncated": false}, nil
}

func (k Keys) describeKey(call *wire.Call, in input) (any, error) {
	id := lastPart(in.KeyID)
	if _, name, ok := strings.Cut(in.KeyID, "alias/"); ok {
		for _, one := range k.aliases(call) {
			if one.Name == "alias/"+name {
				id = one.Target
			}
		}
	}
	arn := call.ARN("kms", "key/"+id)
	if err := call.Permit("kms:DescribeKey", arn); err != nil {
		return nil, err
	}
	if own, err := k.Signing.find(call, arn); err == nil {
		return map[string]any{"KeyMetadata": own.describe()}, nil
	}
	for _, r := range k.Deployed(call.Caller.Account, call.Region, "AWS::KMS::Key") {
		if lastPart(r.ID) == id {
			return map[string]any{"KeyMetadata": map[string]any{
				"AWSAccountId": call.Caller.Account, "KeyId": id, "Arn": arn, "Enabled": r.Text("Enabled") != "false", "KeyState": "Enabled",
				"KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "Description": r.Text("Description"), "KeyUsage": "ENCRYPT_DECRYPT",
			}}, nil
		}
	}
	return nil, wire.Errorf("NotFoundException", "Key '%s' does not exist", arn)
}
