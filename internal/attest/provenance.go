package attest

import (
	"context"
	"fmt"
	"strings"
	"time"

	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Types of SLSA provenance, and of builds and builders of this product.
const (
	ProvenanceType = "https://slsa.dev/provenance/v1"
	// BuildType is where the parameters of a build are described.
	BuildType = "https://github.com/aphex/aphex-pipeline/blob/main/docs/operations.md#provenance-of-a-build"
	builderID = "https://github.com/aphex/aphex-pipeline/tree/main/stages/build"
)

// Build is a build whose provenance is attested.
type Build struct {
	Artifact     Subject // key in the bucket, and digest
	Run          string
	Repository   string // URL
	Branch       string
	Commit       string
	Config       string // path of the configuration in the repository
	ConfigDigest string // sha256:<hex>
	Version      string // of the builder
	Started      time.Time
	Ended        time.Time
}

// SignBuild returns the signed SLSA provenance of a build.
func SignBuild(ctx context.Context, key Signer, b Build) ([]byte, error) {
	parameters, err := structpb.NewStruct(map[string]any{
		"repository": b.Repository, "branch": b.Branch, "commit": b.Commit,
		"configuration": map[string]any{"path": b.Config, "sha256": strings.TrimPrefix(b.ConfigDigest, sha256Prefix)},
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the provenance of a build: %w", err)
	}
	source := &intoto.ResourceDescriptor{Uri: "git+" + b.Repository + "@" + b.Commit}
	if intoto.AlgorithmGitCommit.HexLength()*2 == len(b.Commit) {
		source.Digest = map[string]string{string(intoto.AlgorithmGitCommit): b.Commit}
	}
	p := &slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{BuildType: BuildType, ExternalParameters: parameters, ResolvedDependencies: []*intoto.ResourceDescriptor{source}},
		RunDetails: &slsa.RunDetails{
			Builder:  &slsa.Builder{Id: builderID, Version: map[string]string{"aphex-pipeline": b.Version}},
			Metadata: &slsa.BuildMetadata{InvocationId: b.Run, StartedOn: timestamppb.New(b.Started), FinishedOn: timestamppb.New(b.Ended)},
		},
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("encoding the provenance of a build: %w", err)
	}
	claims, err := protojson.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding the provenance of a build: %w", err)
	}
	return statement{[]Subject{b.Artifact}, ProvenanceType, claims}.sign(ctx, key)
}

// OpenBuild returns what signed provenance says of a build.
func OpenBuild(ctx context.Context, data []byte, key Key) (Build, error) {
	s, err := open(ctx, data, key, ProvenanceType)
	if err != nil {
		return Build{}, err
	}
	p := &slsa.Provenance{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(s.claims, p); err != nil {
		return Build{}, errs.Failedf("it is no SLSA provenance: %w", err)
	}
	definition, details := p.GetBuildDefinition(), p.GetRunDetails()
	if definition.GetBuildType() != BuildType || details.GetBuilder().GetId() != builderID || len(s.subjects) != 1 {
		return Build{}, errs.Failedf("it is of a build of another type, or by another builder")
	}
	given := definition.GetExternalParameters().AsMap()
	config, _ := given["configuration"].(map[string]any)
	b := Build{
		Artifact: s.subjects[0], Repository: text(given, "repository"), Branch: text(given, "branch"), Commit: text(given, "commit"),
		Config: text(config, "path"), ConfigDigest: sha256Prefix + text(config, "sha256"), Run: details.GetMetadata().GetInvocationId(),
		Version: details.GetBuilder().GetVersion()["aphex-pipeline"],
		Started: details.GetMetadata().GetStartedOn().AsTime(), Ended: details.GetMetadata().GetFinishedOn().AsTime(),
	}
	return b, nil
}

func text(values map[string]any, name string) string {
	value, _ := values[name].(string)
	return value
}

// Is reports what differs between provenance and the artifact of a commit, as an error.
func (b Build) Is(commit string, artifact Subject, configDigest string) error {
	for _, one := range []struct{ what, got, want string }{
		{"the digest", b.Artifact.Digest, artifact.Digest},
		{"the artifact", b.Artifact.Name, artifact.Name},
		{"the commit", b.Commit, commit},
		{"the digest of the configuration", b.ConfigDigest, configDigest},
	} {
		if one.want != "" && one.got != one.want {
			return errs.Failedf("it is of another build: %s is %s, and not %s", one.what, one.got, one.want)
		}
	}
	return nil
}
