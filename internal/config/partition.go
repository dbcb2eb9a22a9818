package config

import "strings"

// partitions are AWS's partitions by what the names of their regions begin
// with (the SDKs' partitions.json lists the same).
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"},
	{"us-gov-", "aws-us-gov"},
	{"us-iso-", "aws-iso"},
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"eu-isoe-", "aws-iso-e"},
	{"eusc-", "aws-eusc"},
}

// Partition gives the AWS partition of the environment's region, as ARNs name it.
func (e Environment) Partition() string { return Partition(e.Region) }

// Partition gives the AWS partition of a region, as ARNs name it: `aws` for the
// commercial regions, `aws-us-gov`, `aws-cn` and so on for the others.
func Partition(region string) string {
	for _, partition := range partitions {
		if strings.HasPrefix(region, partition.prefix) {
			return partition.name
		}
	}
	return "aws"
}
