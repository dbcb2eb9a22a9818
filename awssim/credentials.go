package awssim

import (
	"slices"
	"strings"
)

// Credentials are the access key of an account's administrator.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// AddAccount creates an account unless it exists, and returns its administrator's access
// key. The key does not change as long as the server's directory exists.
func (s *Server) AddAccount(id string) Credentials {
	key, secret := s.identity.AddAccount(id)
	s.ledger.touch()
	return Credentials{AccessKeyID: key, SecretAccessKey: secret}
}

// Env returns the environment variables, NAME=value, with which the AWS CLI, the SDKs and
// the CDK use the simulator with these credentials. They also prevent access to the real
// AWS: no configuration files, no instance metadata.
//
// A process that inherits other variables of AWS, such as AWS_PROFILE, may prefer those;
// Over removes them.
func (c Credentials) Env(url, region string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + url,
		"AWS_ACCESS_KEY_ID=" + c.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey,
		"AWS_REGION=" + region,
		"AWS_DEFAULT_REGION=" + region,
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Over returns an environment in which all variables of AWS are replaced by those of Env.
func (c Credentials) Over(environment []string, url, region string) []string {
	kept := slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		return strings.HasPrefix(variable, "AWS_")
	})
	return append(kept, c.Env(url, region)...)
}
