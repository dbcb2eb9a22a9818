package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// invented is an id that stays the same for what it is of.
func invented(prefix string, of ...string) string {
	sum := sha256.Sum256(fmt.Append(nil, prefix, of))
	return prefix + "-" + hex.EncodeToString(sum[:])[:17]
}

type vpc struct {
	ID        string `xml:"vpcId"`
	Owner     string `xml:"ownerId"`
	State     string `xml:"state"`
	CIDR      string `xml:"cidrBlock"`
	DHCP      string `xml:"dhcpOptionsId"`
	Tenancy   string `xml:"instanceTenancy"`
	IsDefault bool   `xml:"isDefault"`
	Blocks    []struct {
		CIDR  string `xml:"cidrBlock"`
		State string `xml:"cidrBlockState>state"`
	} `xml:"cidrBlockAssociationSet>item"`
	Tags []tag `xml:"tagSet>item"`

	tags  map[string]string
	group string // the default security group
}

func (c *Cloud) vpcs(call *wire.Call) []vpc {
	account, region := call.Caller.Account, call.Region
	home := invented("vpc", account, region)
	all := []vpc{{ID: home, CIDR: "172.31.0.0/16", IsDefault: true, group: invented("sg", home)}}
	for _, r := range c.deployed(account, region, "AWS::EC2::VPC") {
		group := r.Text("DefaultSecurityGroup")
		if group == "" {
			group = invented("sg", r.ID)
		}
		all = append(all, vpc{ID: r.ID, CIDR: r.Text("CidrBlock"), tags: r.Tags, group: group})
	}
	for i := range all {
		v := &all[i]
		v.Owner, v.State, v.Tenancy, v.DHCP, v.Tags = account, "available", "default", invented("dopt", account, region), tagList(v.tags)
		v.Blocks = append(v.Blocks, struct {
			CIDR  string `xml:"cidrBlock"`
			State string `xml:"cidrBlockState>state"`
		}{v.CIDR, "associated"})
	}
	return all
}

func (c *Cloud) describeVpcs(call *wire.Call) (any, error) {
	kept, err := selected(call, "VpcId", c.vpcs(call), func(v vpc) (string, features) {
		isDefault := []string{fmt.Sprint(v.IsDefault)}
		return v.ID, features{
			"vpc-id": {v.ID}, "cidr": {v.CIDR}, "cidr-block-association.cidr-block": {v.CIDR}, "is-default": isDefault, "isDefault": isDefault,
			"owner-id": {v.Owner}, "state": {v.State},
		}.tagged(v.tags)
	})
	return struct {
		VPCs []vpc `xml:"vpcSet>item"`
	}{kept}, err
}

type subnet struct {
	ID        string `xml:"subnetId"`
	ARN       string `xml:"subnetArn"`
	VPC       string `xml:"vpcId"`
	Owner     string `xml:"ownerId"`
	State     string `xml:"state"`
	Zone      string `xml:"availabilityZone"`
	CIDR      string `xml:"cidrBlock"`
	Free      int    `xml:"availableIpAddressCount"`
	IsDefault bool   `xml:"defaultForAz"`
	Public    bool   `xml:"mapPublicIpOnLaunch"`
	Tags      []tag  `xml:"tagSet>item"`

	tags map[string]string
}

func (c *Cloud) subnets(call *wire.Call) []subnet {
	account, region := call.Caller.Account, call.Region
	var all []subnet
	home := invented("vpc", account, region)
	for i, name := range zoneNames(region) {
		all = append(all, subnet{
			ID: invented("subnet", home, name), VPC: home, Zone: name, CIDR: fmt.Sprintf("172.31.%d.0/20", 16*i), IsDefault: true, Public: true,
		})
	}
	for _, r := range c.deployed(account, region, "AWS::EC2::Subnet") {
		name := r.Text("AvailabilityZone")
		if name == "" {
			name = zoneNames(region)[0]
		}
		all = append(all, subnet{
			ID: r.ID, VPC: r.Text("VpcId"), Zone: name, CIDR: r.Text("CidrBlock"), Public: r.Text("MapPublicIpOnLaunch") == "true", tags: r.Tags,
		})
	}
	for i := range all {
		s := &all[i]
		s.ARN, s.Owner, s.State, s.Tags = call.ARN("ec2", "subnet/"+s.ID), account, "available", tagList(s.tags)
		if prefix, err := netip.ParsePrefix(s.CIDR); err == nil && prefix.Addr().Is4() {
			s.Free = 1<<(32-prefix.Bits()) - 5 // AWS keeps five of each
		}
	}
	return all
}

func (c *Cloud) describeSubnets(call *wire.Call) (any, error) {
	kept, err := selected(call, "SubnetId", c.subnets(call), func(s subnet) (string, features) {
		return s.ID, features{
			"subnet-id": {s.ID}, "vpc-id": {s.VPC}, "availability-zone": {s.Zone}, "cidr-block": {s.CIDR}, "cidrBlock": {s.CIDR},
			"default-for-az": {fmt.Sprint(s.IsDefault)}, "map-public-ip-on-launch": {fmt.Sprint(s.Public)}, "state": {s.State}, "owner-id": {s.Owner},
		}.tagged(s.tags)
	})
	return struct {
		Subnets []subnet `xml:"subnetSet>item"`
	}{kept}, err
}

// VPCOf returns the network of a subnet.
func (c *Cloud) VPCOf(call *wire.Call, id string) string {
	for _, s := range c.subnets(call) {
		if s.ID == id {
			return s.VPC
		}
	}
	return ""
}

type route struct {
	CIDR    string `xml:"destinationCidrBlock,omitempty"`
	IPv6    string `xml:"destinationIpv6CidrBlock,omitempty"`
	Gateway string `xml:"gatewayId,omitempty"`
	NAT     string `xml:"natGatewayId,omitempty"`
	Transit string `xml:"transitGatewayId,omitempty"`
	State   string `xml:"state"`
	Origin  string `xml:"origin"`
}

type association struct {
	ID     string `xml:"routeTableAssociationId"`
	Table  string `xml:"routeTableId"`
	Subnet string `xml:"subnetId,omitempty"`
	Main   bool   `xml:"main"`
}

type routeTable struct {
	ID           string        `xml:"routeTableId"`
	VPC          string        `xml:"vpcId"`
	Owner        string        `xml:"ownerId"`
	Routes       []route       `xml:"routeSet>item"`
	Associations []association `xml:"associationSet>item"`
	Tags         []tag         `xml:"tagSet>item"`

	tags map[string]string
}

// routeTables are the main ones, which every network has, and the deployed.
func (c *Cloud) routeTables(call *wire.Call) []routeTable {
	account, region := call.Caller.Account, call.Region
	var all []routeTable
	local := map[string]route{}
	for _, v := range c.vpcs(call) {
		local[v.ID] = route{CIDR: v.CIDR, Gateway: "local", State: "active", Origin: "CreateRouteTable"}
		main := routeTable{ID: invented("rtb", v.ID), VPC: v.ID, Routes: []route{local[v.ID]}}
		main.Associations = []association{{ID: invented("rtbassoc", v.ID), Table: main.ID, Main: true}}
		if v.IsDefault {
			main.Routes = append(main.Routes, route{CIDR: "0.0.0.0/0", Gateway: invented("igw", v.ID), State: "active", Origin: "CreateRoute"})
		}
		all = append(all, main)
	}
	routes := c.deployed(account, region, "AWS::EC2::Route")
	joined := c.deployed(account, region, "AWS::EC2::SubnetRouteTableAssociation")
	for _, r := range c.deployed(account, region, "AWS::EC2::RouteTable") {
		table := routeTable{ID: r.ID, VPC: r.Text("VpcId"), Routes: []route{local[r.Text("VpcId")]}, tags: r.Tags, Tags: tagList(r.Tags)}
		for _, one := range routes {
			if one.Text("RouteTableId") == r.ID {
				table.Routes = append(table.Routes, route{
					CIDR: one.Text("DestinationCidrBlock"), IPv6: one.Text("DestinationIpv6CidrBlock"), Gateway: one.Text("GatewayId"),
					NAT: one.Text("NatGatewayId"), Transit: one.Text("TransitGatewayId"), State: "active", Origin: "CreateRoute",
				})
			}
		}
		for _, one := range joined {
			if one.Text("RouteTableId") == r.ID {
				table.Associations = append(table.Associations, association{ID: one.ID, Table: r.ID, Subnet: one.Text("SubnetId")})
			}
		}
		all = append(all, table)
	}
	for i := range all {
		all[i].Owner = account
	}
	return all
}

func (c *Cloud) describeRouteTables(call *wire.Call) (any, error) {
	kept, err := selected(call, "RouteTableId", c.routeTables(call), func(t routeTable) (string, features) {
		f := features{"route-table-id": {t.ID}, "vpc-id": {t.VPC}, "owner-id": {t.Owner}, "association.main": {}, "association.subnet-id": {}}
		for _, a := range t.Associations {
			f["association.main"] = append(f["association.main"], fmt.Sprint(a.Main))
			f["association.subnet-id"] = append(f["association.subnet-id"], a.Subnet)
		}
		return t.ID, f.tagged(t.tags)
	})
	return struct {
		Tables []routeTable `xml:"routeTableSet>item"`
	}{kept}, err
}

type vpnGateway struct {
	ID          string          `xml:"vpnGatewayId"`
	State       string          `xml:"state"`
	Type        string          `xml:"type"`
	Attachments []vpnAttachment `xml:"attachments>item"`
	Tags        []tag           `xml:"tagSet>item"`

	tags map[string]string
}

type vpnAttachment struct {
	VPC   string `xml:"vpcId"`
	State string `xml:"state"`
}

func (c *Cloud) describeVpnGateways(call *wire.Call) (any, error) {
	var all []vpnGateway
	attached := c.deployed(call.Caller.Account, call.Region, "AWS::EC2::VPCGatewayAttachment")
	for _, r := range c.deployed(call.Caller.Account, call.Region, "AWS::EC2::VPNGateway") {
		g := vpnGateway{ID: r.ID, State: "available", Type: "ipsec.1", tags: r.Tags, Tags: tagList(r.Tags)}
		for _, a := range attached {
			if a.Text("VpnGatewayId") == r.ID {
				g.Attachments = append(g.Attachments, vpnAttachment{a.Text("VpcId"), "attached"})
			}
		}
		all = append(all, g)
	}
	kept, err := selected(call, "VpnGatewayId", all, func(g vpnGateway) (string, features) {
		f := features{"vpn-gateway-id": {g.ID}, "state": {g.State}, "type": {g.Type}, "attachment.vpc-id": {}, "attachment.state": {}}
		for _, a := range g.Attachments {
			f["attachment.vpc-id"] = append(f["attachment.vpc-id"], a.VPC)
			f["attachment.state"] = append(f["attachment.state"], a.State)
		}
		return g.ID, f.tagged(g.tags)
	})
	return struct {
		Gateways []vpnGateway `xml:"vpnGatewaySet>item"`
	}{kept}, err
}

type keyPair struct {
	ID   string `xml:"keyPairId"`
	Name string `xml:"keyName"`
	Type string `xml:"keyType"`
	Tags []tag  `xml:"tagSet>item"`

	tags map[string]string
}

func (c *Cloud) describeKeyPairs(call *wire.Call) (any, error) {
	var all []keyPair
	for _, r := range c.deployed(call.Caller.Account, call.Region, "AWS::EC2::KeyPair") {
		kind := r.Text("KeyType")
		if kind == "" {
			kind = "rsa"
		}
		all = append(all, keyPair{ID: invented("key", r.ID), Name: r.Text("KeyName"), Type: kind, tags: r.Tags, Tags: tagList(r.Tags)})
	}
	kept, err := selected(call, "KeyName", all, func(k keyPair) (string, features) {
		return k.Name, features{"key-name": {k.Name}, "key-pair-id": {k.ID}}.tagged(k.tags)
	})
	return struct {
		Keys []keyPair `xml:"keySet>item"`
	}{kept}, err
}
