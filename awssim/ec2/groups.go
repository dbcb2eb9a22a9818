package ec2

import (
	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

type securityGroup struct {
	ID          string       `xml:"groupId"`
	Name        string       `xml:"groupName"`
	Description string       `xml:"groupDescription"`
	VPC         string       `xml:"vpcId"`
	Owner       string       `xml:"ownerId"`
	In          []permission `xml:"ipPermissions>item"`
	Out         []permission `xml:"ipPermissionsEgress>item"`
	Tags        []tag        `xml:"tagSet>item"`

	tags map[string]string
}

type permission struct {
	Protocol string `xml:"ipProtocol"`
	From     string `xml:"fromPort,omitempty"`
	To       string `xml:"toPort,omitempty"`
	Groups   []struct {
		ID string `xml:"groupId"`
	} `xml:"groups>item"`
	IPv4 []struct {
		CIDR string `xml:"cidrIp"`
	} `xml:"ipRanges>item"`
	IPv6 []struct {
		CIDR string `xml:"cidrIpv6"`
	} `xml:"ipv6Ranges>item"`
}

// rule reads a rule of a template; peer is the property that names a group.
func rule(r inventory.Resource, peer string) permission {
	p := permission{Protocol: r.Text("IpProtocol"), From: r.Text("FromPort"), To: r.Text("ToPort")}
	if group := r.Text(peer); group != "" {
		p.Groups = append(p.Groups, struct {
			ID string `xml:"groupId"`
		}{group})
	}
	if cidr := r.Text("CidrIp"); cidr != "" {
		p.IPv4 = append(p.IPv4, struct {
			CIDR string `xml:"cidrIp"`
		}{cidr})
	}
	if cidr := r.Text("CidrIpv6"); cidr != "" {
		p.IPv6 = append(p.IPv6, struct {
			CIDR string `xml:"cidrIpv6"`
		}{cidr})
	}
	return p
}

// everywhere is the rule that a group has for what goes out, unless a template says otherwise.
var everywhere = rule(inventory.Resource{Properties: map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}}, "")

func (c *Cloud) securityGroups(call *wire.Call) []securityGroup {
	account, region := call.Caller.Account, call.Region
	var all []securityGroup
	home := ""
	for _, v := range c.vpcs(call) {
		if v.IsDefault {
			home = v.ID
		}
		all = append(all, securityGroup{ID: v.group, Name: "default", Description: "default VPC security group", VPC: v.ID, Out: []permission{everywhere}})
	}
	ingress, egress := c.deployed(account, region, "AWS::EC2::SecurityGroupIngress"), c.deployed(account, region, "AWS::EC2::SecurityGroupEgress")
	for _, r := range c.deployed(account, region, "AWS::EC2::SecurityGroup") {
		g := securityGroup{ID: r.ID, Name: r.Text("GroupName"), Description: r.Text("GroupDescription"), VPC: r.Text("VpcId"), tags: r.Tags, Tags: tagList(r.Tags)}
		if g.VPC == "" {
			g.VPC = home
		}
		if g.Name == "" {
			g.Name = r.Tags["aws:cloudformation:stack-name"] + "-" + r.Tags["aws:cloudformation:logical-id"]
		}
		for _, one := range append(r.Each("SecurityGroupIngress"), of(r.ID, ingress)...) {
			g.In = append(g.In, rule(one, "SourceSecurityGroupId"))
		}
		for _, one := range append(r.Each("SecurityGroupEgress"), of(r.ID, egress)...) {
			g.Out = append(g.Out, rule(one, "DestinationSecurityGroupId"))
		}
		if len(r.Each("SecurityGroupEgress")) == 0 {
			g.Out = append(g.Out, everywhere)
		}
		all = append(all, g)
	}
	for i := range all {
		all[i].Owner = account
	}
	return all
}

// of keeps the rules of one group.
func of(group string, rules []inventory.Resource) []inventory.Resource {
	var own []inventory.Resource
	for _, one := range rules {
		if one.Text("GroupId") == group {
			own = append(own, one)
		}
	}
	return own
}

func (c *Cloud) describeSecurityGroups(call *wire.Call) (any, error) {
	kept, err := selected(call, "GroupId", c.securityGroups(call), func(g securityGroup) (string, features) {
		return g.ID, features{
			"group-id": {g.ID}, "group-name": {g.Name}, "vpc-id": {g.VPC}, "description": {g.Description}, "owner-id": {g.Owner},
		}.tagged(g.tags)
	})
	return struct {
		Groups []securityGroup `xml:"securityGroupInfo>item"`
	}{kept}, err
}
