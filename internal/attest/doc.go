// Package attest writes and reads what verifies: in-toto statements in DSSE envelopes, signed
// with ECDSA over P-256 and SHA-256, as cosign and other tools read them. It has two
// statements: the SLSA provenance of a build, and the release record of a run, whose schema is
// schema/release-record.schema.json.
package attest
