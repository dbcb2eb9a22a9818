package infra

import "github.com/aphex/aphex-pipeline/internal/bucket"

// Sids of statements about the key that signs.
const (
	sidSign       = "Sign"
	sidProvenance = "ReadProvenance"
	sidPublicKey  = "ReadPublicKey"
	sidReleases   = "ReadReleases"
)

// signs is the permission to sign, in the one way in which the pipeline does.
func (r renderer) signs() []any {
	if r.cfg.Signing == nil {
		return nil
	}
	statement := allow(sidSign, actions("kms:Sign"), r.cfg.Signing.KMSKeyARN)
	statement["Condition"] = object{"StringEquals": object{"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}}
	return []any{statement}
}

// signing renders what the build and the record of a run may do with the key; nil without one.
func (r renderer) signing() object {
	policy := inlinePolicy("signing", "BuilderRole", r.signs())
	if policy != nil {
		policy["Properties"].(object)["Roles"] = []any{ref("BuilderRole"), ref("RecorderRole")}
	}
	return policy
}

// provesArtifacts and readsSigningKey are the permissions of deployments that require
// provenance.
func (r renderer) provesArtifacts() []any {
	if !r.cfg.RequiresProvenance() {
		return nil
	}
	return []any{allow(sidProvenance, actions("s3:GetObject"), r.keys([]string{bucket.ProvenanceKeys()})...)}
}

func (r renderer) readsSigningKey() []any {
	if !r.cfg.RequiresProvenance() || r.cfg.Signing == nil {
		return nil
	}
	return []any{allow(sidPublicKey, actions("kms:GetPublicKey"), r.cfg.Signing.KMSKeyARN)}
}

// readsReleases is the permission of the record of a run to read the release record that the
// next one follows.
func (r renderer) readsReleases() []any {
	if r.cfg.Signing == nil {
		return nil
	}
	return []any{allow(sidReleases, actions("s3:GetObject"), r.keys([]string{bucket.ReleaseKeys()})...)}
}
