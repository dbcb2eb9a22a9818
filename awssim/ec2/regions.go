package ec2

import (
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

type region struct {
	Name        string `xml:"regionName"`
	Endpoint    string `xml:"regionEndpoint"`
	OptInStatus string `xml:"optInStatus"`
}

func describeRegions(call *wire.Call) (any, error) {
	if err := call.Permit("ec2:DescribeRegions", "*"); err != nil {
		return nil, err
	}
	wanted := wire.Flat(call.Form, "RegionName")
	var regions []region
	for _, name := range regionNames[call.Partition()] {
		if len(wanted) == 0 || slices.Contains(wanted, name) {
			regions = append(regions, region{name, "ec2." + name + "." + wire.Suffix(name), "opt-in-not-required"})
		}
	}
	return struct {
		Regions []region `xml:"regionInfo>item"`
	}{regions}, nil
}

// regionNames are the regions that are on in every account, by partition.
var regionNames = map[string][]string{
	"aws": {
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	},
	"aws-cn":     {"cn-north-1", "cn-northwest-1"},
	"aws-us-gov": {"us-gov-east-1", "us-gov-west-1"},
}
