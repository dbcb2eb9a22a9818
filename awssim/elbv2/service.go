// Package elbv2 implements the lookups of CDK apps in Elastic Load Balancing: load balancers
// and listeners that stacks have deployed, and their tags.
package elbv2

import (
	"maps"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const (
	balancerType = "AWS::ElasticLoadBalancingV2::LoadBalancer"
	listenerType = "AWS::ElasticLoadBalancingV2::Listener"
)

// Balancers answers from what is deployed.
type Balancers struct {
	Deployed inventory.Source
	VPCOf    func(call *wire.Call, subnet string) string
}

// Service is Elastic Load Balancing.
func (b Balancers) Service() wire.Service {
	return wire.Service{Name: "elasticloadbalancing", Protocol: wire.Query, Namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", Operations: map[string]wire.Handler{
		"DescribeLoadBalancers": wire.Plain(b.describeLoadBalancers, "LoadBalancerArns", "Names"),
		"DescribeListeners":     wire.Plain(b.describeListeners, "ListenerArns", "LoadBalancerArn"),
		"DescribeTags":          wire.Plain(b.describeTags, "ResourceArns"),
	}}
}

func (b Balancers) all(call *wire.Call, types ...string) ([]inventory.Resource, error) {
	if err := call.Permit("elasticloadbalancing:"+call.Operation, "*"); err != nil {
		return nil, err
	}
	return b.Deployed(call.Caller.Account, call.Region, types...), nil
}

type balancer struct {
	ARN            string `xml:"LoadBalancerArn"`
	Name           string `xml:"LoadBalancerName"`
	DNSName        string
	Zone           string `xml:"CanonicalHostedZoneId"`
	Scheme         string
	Type           string
	IPAddressType  string   `xml:"IpAddressType"`
	VPC            string   `xml:"VpcId"`
	State          string   `xml:"State>Code"`
	SecurityGroups []string `xml:"SecurityGroups>member"`
}

func (b Balancers) describeLoadBalancers(call *wire.Call) (any, error) {
	all, err := b.all(call, balancerType)
	if err != nil {
		return nil, err
	}
	arns, names := wire.List(call.Form, "LoadBalancerArns"), wire.List(call.Form, "Names")
	var found []balancer
	for _, r := range all {
		one := balancer{
			ARN: r.ID, Name: or(r.Text("Name"), r.Text("LoadBalancerName")), DNSName: r.Text("DNSName"), Zone: r.Text("CanonicalHostedZoneID"),
			Scheme: or(r.Text("Scheme"), "internet-facing"), Type: or(r.Text("Type"), "application"), IPAddressType: or(r.Text("IpAddressType"), "ipv4"),
			State: "active", SecurityGroups: r.Texts("SecurityGroups"),
		}
		subnets := r.Texts("Subnets")
		for _, mapping := range r.Each("SubnetMappings") {
			subnets = append(subnets, mapping.Text("SubnetId"))
		}
		if len(subnets) > 0 {
			one.VPC = b.VPCOf(call, subnets[0])
		}
		if (len(arns) == 0 || slices.Contains(arns, one.ARN)) && (len(names) == 0 || slices.Contains(names, one.Name)) {
			found = append(found, one)
		}
	}
	if len(found) == 0 && len(arns)+len(names) > 0 {
		return nil, wire.Errorf("LoadBalancerNotFound", "Load balancers '[%s]' not found", strings.Join(append(arns, names...), ", "))
	}
	return struct {
		LoadBalancers []balancer `xml:"LoadBalancers>member"`
	}{found}, nil
}

type listener struct {
	ARN      string `xml:"ListenerArn"`
	Balancer string `xml:"LoadBalancerArn"`
	Port     string `xml:",omitempty"`
	Protocol string `xml:",omitempty"`
}

func (b Balancers) describeListeners(call *wire.Call) (any, error) {
	all, err := b.all(call, listenerType)
	if err != nil {
		return nil, err
	}
	arns, of := wire.List(call.Form, "ListenerArns"), call.Form.Get("LoadBalancerArn")
	var found []listener
	for _, r := range all {
		one := listener{ARN: r.ID, Balancer: r.Text("LoadBalancerArn"), Port: r.Text("Port"), Protocol: r.Text("Protocol")}
		if (len(arns) == 0 || slices.Contains(arns, one.ARN)) && (of == "" || of == one.Balancer) {
			found = append(found, one)
		}
	}
	if len(found) == 0 && len(arns) > 0 {
		return nil, wire.Errorf("ListenerNotFound", "One or more listeners not found")
	}
	return struct {
		Listeners []listener `xml:"Listeners>member"`
	}{found}, nil
}

type tag struct{ Key, Value string }

type described struct {
	ARN  string `xml:"ResourceArn"`
	Tags []tag  `xml:"Tags>member"`
}

func (b Balancers) describeTags(call *wire.Call) (any, error) {
	all, err := b.all(call, balancerType, listenerType, "AWS::ElasticLoadBalancingV2::TargetGroup")
	if err != nil {
		return nil, err
	}
	var found []described
	for _, arn := range wire.List(call.Form, "ResourceArns") {
		i := slices.IndexFunc(all, func(r inventory.Resource) bool { return r.ID == arn })
		if i < 0 {
			return nil, wire.Errorf("LoadBalancerNotFound", "'%s' not found", arn)
		}
		one := described{ARN: arn}
		for _, key := range slices.Sorted(maps.Keys(all[i].Tags)) {
			one.Tags = append(one.Tags, tag{key, all[i].Tags[key]})
		}
		found = append(found, one)
	}
	return struct {
		Descriptions []described `xml:"TagDescriptions>member"`
	}{found}, nil
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
