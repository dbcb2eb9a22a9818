// Package route53 implements the lookups of CDK apps in Route 53: the hosted zones that
// stacks have deployed.
package route53

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const version = "/2013-04-01/"

// operationOf names the operation of a path: the path itself for one without a handler.
func operationOf(r *http.Request) string {
	method, path := r.Method, r.URL.Path
	rest, ok := strings.CutPrefix(path, version)
	switch parts := strings.Split(strings.TrimSuffix(rest, "/"), "/"); {
	case !ok || method != "GET":
		return method + path
	case rest == "hostedzonesbyname":
		return "ListHostedZonesByName"
	case parts[0] == "hostedzone" && len(parts) == 1:
		return "ListHostedZones"
	case parts[0] == "hostedzone" && len(parts) == 2:
		return "GetHostedZone"
	}
	return method + path
}

// Zones returns what is deployed in any region: Route 53 is global.
type Zones struct {
	Deployed func(account string, types ...string) []inventory.Resource
}

// Service is Route 53.
func (z Zones) Service() wire.Service {
	return wire.Service{Name: "route53", Protocol: wire.Rest, Namespace: "https://route53.amazonaws.com/doc/2013-04-01/", OperationOf: operationOf, Operations: map[string]wire.Handler{
		"ListHostedZonesByName": wire.Plain(z.list, "dnsname"),
		"ListHostedZones":       wire.Plain(z.list),
		"GetHostedZone":         wire.Plain(z.get),
	}}
}

type zone struct {
	ID        string `xml:"Id"`
	Name      string
	Reference string `xml:"CallerReference"`
	Private   bool   `xml:"Config>PrivateZone"`
	Records   int    `xml:"ResourceRecordSetCount"`

	vpcs []network
}

type network struct {
	Region string `xml:"VPCRegion"`
	ID     string `xml:"VPCId"`
}

func (z Zones) zones(call *wire.Call) []zone {
	var all []zone
	for _, r := range z.Deployed(call.Caller.Account, "AWS::Route53::HostedZone") {
		one := zone{ID: "/hostedzone/" + r.ID, Name: strings.TrimSuffix(r.Text("Name"), ".") + ".", Reference: r.ID, Records: 2}
		for _, v := range r.Each("VPCs") {
			one.vpcs = append(one.vpcs, network{v.Text("VPCRegion"), v.Text("VPCId")})
		}
		one.Private = len(one.vpcs) > 0
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b zone) int { return cmp.Compare(reversed(a.Name), reversed(b.Name)) })
	return all
}

// reversed is a name with its labels in the order by which Route 53 sorts.
func reversed(name string) string {
	labels := strings.Split(strings.Trim(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// list returns the zones from a name on.
func (z Zones) list(call *wire.Call) (any, error) {
	if err := call.Permit("route53:"+call.Operation, "*"); err != nil {
		return nil, err
	}
	from := call.Form.Get("dnsname")
	all := slices.DeleteFunc(z.zones(call), func(one zone) bool { return reversed(one.Name) < reversed(from) })
	return struct {
		Zones     []zone `xml:"HostedZones>HostedZone"`
		DNSName   string `xml:",omitempty"`
		Truncated bool   `xml:"IsTruncated"`
		Most      int    `xml:"MaxItems"`
	}{all, from, false, 100}, nil
}

func (z Zones) get(call *wire.Call) (any, error) {
	id := call.HTTP.URL.Path[strings.LastIndexByte(call.HTTP.URL.Path, '/')+1:]
	if err := call.Permit("route53:GetHostedZone", "arn:"+call.Partition()+":route53:::hostedzone/"+id); err != nil {
		return nil, err
	}
	for _, one := range z.zones(call) {
		if one.ID == "/hostedzone/"+id {
			return struct {
				HostedZone zone
				VPCs       []network `xml:"VPCs>VPC"`
			}{one, one.vpcs}, nil
		}
	}
	return nil, wire.Errorf("NoSuchHostedZone", "No hosted zone found with ID: %s", id).WithStatus(404)
}
