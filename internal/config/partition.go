package config

import (
	"slices"
	"strings"
)

// partitions are AWS's partitions by the prefix of their regions (as in the SDKs'
// partitions.json).
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"},
	{"us-gov-", "aws-us-gov"},
	{"us-iso-", "aws-iso"},
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"eu-isoe-", "aws-iso-e"},
	{"eusc-", "aws-eusc"},
}

// regionPattern matches the names of present and future regions: an area, a
// direction, and a number (the regionRegex of each partition in the SDKs'
// partitions.json, with the directions that regions have).
const regionPattern = `^(us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso|us-isob|us-isof|eu-isoe|eusc-[a-z]{2})-` +
	`(north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9]{1,2}$`

// regions are the present regions, for suggestions.
var regions = strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
	ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1
	eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1
	sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1 us-iso-east-1
	us-iso-west-1 us-isob-east-1 us-isob-west-1 us-isof-east-1 us-isof-south-1 eu-isoe-west-1 eusc-de-east-1`)

// edgeRegions has, for a partition, the region in which CloudFront's parts live
// wherever an app is deployed: its certificates and its functions.
var edgeRegions = map[string]string{"aws": "us-east-1"}

// ReachedRegions returns a region, the region of the edge in its partition, and
// further ones, each once.
func ReachedRegions(region string, further []string) []string {
	regions := []string{region}
	for _, other := range append([]string{edgeRegions[Partition(region)]}, further...) {
		if other != "" && !slices.Contains(regions, other) {
			regions = append(regions, other)
		}
	}
	return regions
}

// Partition returns the AWS partition of the environment's region, as in ARNs.
func (e Environment) Partition() string { return Partition(e.Region) }

// Partition returns the AWS partition of a region, as in ARNs: `aws` for the
// commercial regions, `aws-us-gov`, `aws-cn` and so on for the others.
func Partition(region string) string {
	for _, partition := range partitions {
		if strings.HasPrefix(region, partition.prefix) {
			return partition.name
		}
	}
	return "aws"
}
