package iam

import (
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func (d *Directory) providerOperations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"CreateOpenIDConnectProvider": wire.Plain(d.createProvider, "ClientIDList", "ThumbprintList", "Url"),
		"GetOpenIDConnectProvider":    wire.Plain(d.getProvider, "OpenIDConnectProviderArn"),
		"ListOpenIDConnectProviders":  wire.Plain(d.listProviders),
		"DeleteOpenIDConnectProvider": wire.Plain(d.deleteProvider, "OpenIDConnectProviderArn"),
	}
}

type providerARN struct {
	ARN string `xml:"OpenIDConnectProviderArn,omitempty"`
}

type providerEntry struct {
	ARN string `xml:"Arn"`
}

func (d *Directory) createProvider(call *wire.Call) (any, error) {
	if err := call.Permit("iam:CreateOpenIDConnectProvider", iamARN(call, "oidc-provider/*")); err != nil {
		return nil, err
	}
	provider, err := d.CreateProvider(call.Caller.Account, call.Partition(), Provider{
		URL: call.Form.Get("Url"), Clients: wire.List(call.Form, "ClientIDList"), Thumbprints: wire.List(call.Form, "ThumbprintList"),
	})
	return providerARN{provider.ARN}, err
}

// permitProvider asks for the call's operation on a provider of the caller's account.
func permitProvider(call *wire.Call) (arn string, err error) {
	arn = call.Form.Get("OpenIDConnectProviderArn")
	if accountOf(arn) != call.Caller.Account {
		return arn, noEntity("OpenIDConnect Provider not found for arn %s", arn)
	}
	return arn, call.Permit("iam:"+call.Operation, arn)
}

func (d *Directory) getProvider(call *wire.Call) (any, error) {
	arn, err := permitProvider(call)
	if err != nil {
		return nil, err
	}
	provider, err := d.Provider(arn)
	return struct {
		URL         string   `xml:"Url"`
		Clients     []string `xml:"ClientIDList>member"`
		Thumbprints []string `xml:"ThumbprintList>member"`
		CreateDate  string
	}{provider.URL, provider.Clients, provider.Thumbprints, provider.Created.Format(time.RFC3339)}, err
}

func (d *Directory) listProviders(call *wire.Call) (any, error) {
	if err := call.Permit("iam:ListOpenIDConnectProviders", "*"); err != nil {
		return nil, err
	}
	var entries []providerEntry
	for _, arn := range d.Providers(call.Caller.Account) {
		entries = append(entries, providerEntry{arn})
	}
	return struct {
		Providers []providerEntry `xml:"OpenIDConnectProviderList>member"`
	}{entries}, nil
}

func (d *Directory) deleteProvider(call *wire.Call) (any, error) {
	arn, err := permitProvider(call)
	if err != nil {
		return nil, err
	}
	d.DeleteProvider(arn)
	return nil, nil
}
