package config

import "fmt"

// Signing is the key that signs what the pipeline attests.
type Signing struct {
	// The ARN of the key, which has the key spec `ECC_NIST_P256` and the usage `SIGN_VERIFY`.
	KMSKeyARN string `json:"kmsKeyArn" need:"always" rule:"keyArn" example:"arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"`
}

// RequiresProvenance reports whether an environment gets only artifacts with provenance.
func (c *Config) RequiresProvenance() bool {
	for _, env := range c.Environments {
		if env.RequireProvenance {
			return true
		}
	}
	return false
}

// checkSigning refuses to require what nobody signs.
func checkSigning(c *Config, r *report) {
	for i, env := range c.Environments {
		if env.RequireProvenance && c.Signing == nil {
			r.atPath(fmt.Sprintf("environments[%d].requireProvenance", i), "nothing signs the provenance of artifacts").Hint = "add signing with a kmsKeyArn, or remove requireProvenance"
		}
	}
}
