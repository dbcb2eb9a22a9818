package diff

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the types
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// packed is what AWS publishes of its resource types; the command tools/resourcetypes writes it.
//
//go:embed types.json.gz
var packed []byte

// kind is what is known of a resource type.
type kind struct {
	Replace    []string // properties whose change replaces the resource
	MayReplace []string
	Stateful   bool // it keeps data
}

var published = sync.OnceValue(func() map[string]kind {
	all := map[string]kind{}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.NewDecoder(r).Decode(&all)
	}
	if err != nil {
		panic(fmt.Sprintf("the embedded resource types cannot be read: %v", err)) // it is a constant
	}
	return all
})

// moreStateful are types that keep what their users put into them and that AWS's list, that of
// the CDK's own checks, does not have yet. The pages of the services say so: AWS
// CloudFormation Template Reference, by type.
var moreStateful = []string{
	"AWS::AmazonMQ::Broker", "AWS::Cassandra::Keyspace", "AWS::Cassandra::Table", "AWS::CodeCommit::Repository",
	"AWS::DocDBElastic::Cluster", "AWS::ECR::Repository", "AWS::KMS::ReplicaKey", "AWS::KinesisVideo::Stream", "AWS::Lightsail::Bucket",
	"AWS::Lightsail::Database", "AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster", "AWS::MemoryDB::Cluster", "AWS::NeptuneGraph::Graph",
	"AWS::OpenSearchServerless::Collection", "AWS::RDS::GlobalCluster", "AWS::RedshiftServerless::Namespace", "AWS::Route53::HostedZone",
	"AWS::S3Express::DirectoryBucket", "AWS::S3Tables::Table", "AWS::S3Tables::TableBucket", "AWS::S3Vectors::VectorBucket",
	"AWS::Timestream::Database", "AWS::Timestream::InfluxDBInstance", "AWS::Timestream::Table",
}

// stackType is the type of a nested stack, whose resources are looked at one by one.
const stackType = "AWS::CloudFormation::Stack"

// IsStateful reports whether resources of a type keep data that is lost with them.
func IsStateful(typ string) bool {
	return typ != stackType && (published()[typ].Stateful || slices.Contains(moreStateful, typ))
}

// Certainty says whether something happens to a resource.
type Certainty int

const (
	// No is for what does not happen.
	No Certainty = iota
	// Maybe is for what only CloudFormation can decide.
	Maybe
	// Yes is for what happens.
	Yes
)

// Recreates reports whether a change of a property replaces a resource of the type. Of a
// type that AWS does not publish, such as a custom resource, it is No.
func Recreates(typ, property string) Certainty {
	switch k := published()[typ]; {
	case slices.Contains(k.Replace, property):
		return Yes
	case slices.Contains(k.MayReplace, property):
		return Maybe
	}
	return No
}
