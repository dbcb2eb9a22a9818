package wire

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// Call is one API call with a verified signature.
type Call struct {
	Service   string // as in the credential scope: s3, sts, ssm, …
	Operation string
	Region    string
	RequestID string
	Caller    policy.Caller
	Temporary bool      // the caller's credentials expire: it is the session of a role
	Now       time.Time // the simulator's time
	Form      url.Values
	Body      []byte        // of every protocol but RestXML
	Stream    Stream        // of RestXML
	HTTP      *http.Request // of a REST call
	// Guard decides whether the caller may do something.
	Guard func(policy.Question) error
}

// Stream is a decoded body that is read while it comes in; its trailer is
// complete at its end.
type Stream struct {
	io.Reader
	Trailer http.Header
	Length  int64 // -1 when unknown
}

// Permit checks the permission for an action on a resource of the caller's account.
func (c *Call) Permit(action, resource string) error {
	return c.Guard(policy.Question{Action: action, Resource: resource})
}

// PermitKey checks the permission to use a key of KMS through the call's service. "" is the
// key of AWS, which needs none. The policies of keys are not simulated: each leaves its use to
// IAM, as the one that KMS gives a key does.
func (c *Call) PermitKey(action, key string) error {
	if key == "" {
		return nil
	}
	via := c.Service + "." + c.Region + "." + Suffix(c.Region)
	return c.Guard(policy.Question{Action: action, Resource: key, Keys: policy.Keys{"kms:ViaService": {via}}})
}

// Key returns the ARN of a key of KMS that a call names by its ARN or its id.
func (c *Call) Key(given string) (string, error) {
	switch {
	case given == "" || strings.HasPrefix(given, "arn:") && strings.Contains(given, ":key/"):
		return given, nil
	case strings.Contains(given, "alias/"):
		return "", Commonf(ValidationFailed, "The simulator knows a key by its ARN or its id, not by its alias: %s", given)
	}
	return c.ARN("kms", "key/"+given), nil
}

// ARN makes an ARN of the caller's account and the call's region and service.
func (c *Call) ARN(service, resource string) string {
	return "arn:" + c.Partition() + ":" + service + ":" + c.Region + ":" + c.Caller.Account + ":" + resource
}

// Place returns the place of the call's resources in a regional service.
func (c *Call) Place() string { return Place(c.Caller.Account, c.Region) }

// Place is one account in one region, as a map key.
func Place(account, region string) string { return account + "/" + region }

// Partition returns the partition of the call's region.
func (c *Call) Partition() string { return Partition(c.Region) }

// Partition returns the partition of a region.
func Partition(region string) string {
	for prefix, partition := range partitions {
		if strings.HasPrefix(region, prefix) {
			return partition
		}
	}
	return "aws"
}

var partitions = map[string]string{
	"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b",
	"us-isof-": "aws-iso-f", "eu-isoe-": "aws-iso-e", "eusc-": "aws-eusc",
}

// Suffix is the DNS suffix of a region's partition.
func Suffix(region string) string {
	if Partition(region) == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
