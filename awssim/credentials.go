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

// AddAccount makes an account, or finds the one that is there, and returns its
// administrator's access key. The key stays the same as long as the server's
// directory does.
func (s *Server) AddAccount(id string) Credentials {
	key, secret := s.identity.AddAccount(id)
	s.ledger.touch()
	return Credentials{AccessKeyID: key, SecretAccessKey: secret}
}

// Env are the environment variables by which the AWS CLI, the SDKs and the CDK
// reach the simulator with these credentials, as NAME=value. They also close
// the ways to real AWS: no configuration files, no instance metadata.
//
// A process that inherits more of AWS's variables, such as AWS_PROFILE, may
// still prefer those; Over takes them out.
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

// Over is an environment in which all of AWS's variables are replaced by Env.
func (c Credentials) Over(environment []string, url, region string) []string {
	kept := slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		return strings.HasPrefix(variable, "AWS_")
	})
	return append(kept, c.Env(url, region)...)
}
