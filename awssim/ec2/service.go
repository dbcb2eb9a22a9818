package ec2

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Cloud returns what stacks have deployed, and what every account has in AWS: zones, a
// default network, images.
type Cloud struct{ deployed inventory.Source }

// New makes the EC2 of a simulated cloud.
func New(deployed inventory.Source) *Cloud { return &Cloud{deployed} }

// Service is EC2.
func (c *Cloud) Service() wire.Service {
	return wire.Service{Name: "ec2", Protocol: wire.EC2Query, Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", Operations: map[string]wire.Handler{
		"DescribeAvailabilityZones":   wire.Plain(describeAvailabilityZones),
		"DescribeRegions":             wire.Plain(describeRegions, "RegionName"),
		"DescribeVpcs":                wire.Plain(c.describeVpcs, "Filter.Name", "Filter.Value", "VpcId"),
		"DescribeSubnets":             wire.Plain(c.describeSubnets, "Filter.Name", "Filter.Value", "SubnetId"),
		"DescribeRouteTables":         wire.Plain(c.describeRouteTables, "Filter.Name", "Filter.Value", "RouteTableId"),
		"DescribeVpnGateways":         wire.Plain(c.describeVpnGateways, "Filter.Name", "Filter.Value", "VpnGatewayId"),
		"DescribeSecurityGroups":      wire.Plain(c.describeSecurityGroups, "Filter.Name", "Filter.Value", "GroupId"),
		"DescribeKeyPairs":            wire.Plain(c.describeKeyPairs, "Filter.Name", "Filter.Value", "KeyName"),
		"DescribeImages":              wire.Plain(describeImages, "Filter.Name", "Filter.Value", "ImageId", "Owner"),
		"DescribeVpcEndpointServices": wire.Plain(describeEndpointServices, "ServiceName"),
	}}
}

// zoneNames are those of a region: every one has a, b and c.
func zoneNames(region string) []string { return []string{region + "a", region + "b", region + "c"} }

// tag is a tag as EC2 shows it.
type tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagList(tags map[string]string) []tag {
	var list []tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag{key, tags[key]})
	}
	return list
}

// features are the values of a thing that filters look at, by filter.
type features map[string][]string

func (f features) tagged(tags map[string]string) features {
	f["tag-key"] = slices.Collect(maps.Keys(tags))
	for key, value := range tags {
		f["tag:"+key] = []string{value}
	}
	return f
}

// chosen reports whether the call's ids and filters choose a thing. A filter that
// does not exist is refused by name.
func chosen(call *wire.Call, ids, id string, f features) (bool, error) {
	if wanted := wire.Flat(call.Form, ids); len(wanted) > 0 && !slices.Contains(wanted, id) {
		return false, nil
	}
	for i := 1; call.Form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		name := call.Form.Get(fmt.Sprintf("Filter.%d.Name", i))
		values, known := f[name]
		if !known && !strings.HasPrefix(name, "tag:") {
			return false, wire.Errorf("InvalidParameterValue", "The filter '%s' is invalid: the simulator does not support it for %s", name, call.Operation)
		}
		fits := func(pattern string) bool {
			return slices.ContainsFunc(values, func(value string) bool { return inventory.Like(value, pattern) })
		}
		if !slices.ContainsFunc(wire.Flat(call.Form, fmt.Sprintf("Filter.%d.Value", i)), fits) {
			return false, nil
		}
	}
	return true, nil
}

// selected keeps what the call chooses of all things.
func selected[T any](call *wire.Call, ids string, all []T, look func(T) (id string, f features)) ([]T, error) {
	if err := call.Permit("ec2:"+call.Operation, "*"); err != nil {
		return nil, err
	}
	var kept []T
	found := map[string]bool{}
	for _, thing := range all {
		id, f := look(thing)
		found[id] = true
		fits, err := chosen(call, ids, id, f)
		if err != nil {
			return nil, err
		}
		if fits {
			kept = append(kept, thing)
		}
	}
	for _, id := range wire.Flat(call.Form, ids) {
		if !found[id] {
			return nil, wire.Errorf("Invalid"+strings.TrimSuffix(ids, "Id")+"ID.NotFound", "The ID '%s' does not exist", id)
		}
	}
	return kept, nil
}

type zone struct {
	ZoneName           string `xml:"zoneName"`
	ZoneID             string `xml:"zoneId"`
	State              string `xml:"zoneState"`
	RegionName         string `xml:"regionName"`
	ZoneType           string `xml:"zoneType"`
	GroupName          string `xml:"groupName"`
	OptInStatus        string `xml:"optInStatus"`
	NetworkBorderGroup string `xml:"networkBorderGroup"`
}

func describeAvailabilityZones(call *wire.Call) (any, error) {
	if err := call.Permit("ec2:DescribeAvailabilityZones", "*"); err != nil {
		return nil, err
	}
	var zones []zone
	for i, name := range zoneNames(call.Region) {
		zones = append(zones, zone{
			ZoneName: name, ZoneID: fmt.Sprintf("%s-az%d", call.Region, i+1), State: "available",
			RegionName: call.Region, ZoneType: "availability-zone", GroupName: call.Region,
			OptInStatus: "opt-in-not-required", NetworkBorderGroup: call.Region,
		})
	}
	return struct {
		Zones []zone `xml:"availabilityZoneInfo>item"`
	}{zones}, nil
}
