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
	if err := call.Permit("cloudformation:GetResource", "*"); err != nil {
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
	if err := call.Permit("cloudformation:ListResources", "*"); err != nil {
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
